/*
 * libmirror/io.h - opening inputs and outputs, and the argument structs of built-in backends.
 *
 *   URI                 input  output  argument
 *   pcap:FILE           yes    yes     - / mirror_pcap_output  "-" is standard input or output
 *   memory:             yes    yes     mirror_memory_input / mirror_memory_output
 *   callback:           yes    yes     mirror_callback_input / mirror_callback_output
 *   afpacket:IFNAME     yes    yes     -                       Linux; output: libmnl
 *   xdp:IFNAME          -      yes     -                       Linux, libmnl; AF_XDP: libxdp
 *   udp:                -      yes     -                       Linux
 *   vxlan:DEVICE        -      yes     -                       Linux, libmnl
 *   libnet:[IFNAME]     -      yes     -                       Linux, libnet
 *   pcap-live:IFNAME    yes    -       -                       libpcap
 *
 * pcap reads pcap (micro- and nanoseconds, either byte order) and pcapng (several interfaces, each
 * with its link type); it writes nanosecond pcap of complete outer Ethernet frames. Snapshot
 * lengths in headers are ignored: records come whole, but for the frame check sequence that a
 * capture says its frames end with. Waiting for a pipe ends at a timeout or interruption, but for
 * the rest of a pcapng block that has begun. A closed pipe raises SIGPIPE: a program that wants a
 * status (MIRROR_E_OS) ignores that signal.
 *
 * afpacket:IFNAME[?OPTION=NUMBER&...] captures what an interface receives and sends; each packet
 * has its direction. It needs CAP_NET_RAW to open, and nothing afterwards, but see fanout. The
 * interface is followed by name: down, deleted or made again, packets come as soon as it is there.
 * Super-frames and unfinished checksums (V6) are described in the packets' offload fields. Those of
 * a kind that virtio-net headers have no name for, such as SCTP's, are lost and counted as drops.
 *
 *   blocks=64           of the ring; more for longer bursts
 *   block_size=262144   octets: a multiple of the page size, at least 131072
 *   retire_ms=1         1-50: after this time a block is handed over, full or not
 *   fanout=GROUP        0-65535: inputs of this group share the packets, each flow stays with one.
 *                       With it, an interface that was deleted is attached again only with
 *                       CAP_NET_RAW
 *   promisc=1           promiscuous mode while the input is open
 *   snaplen=262144      octets of a packet to be captured
 *   low_latency=1       packets come one by one, as soon as the kernel has them, instead of in
 *                       blocks within a millisecond; each costs several times as much. What waits
 *                       is bounded by blocks * block_size, and without CAP_NET_ADMIN by the
 *                       system's limit for receive buffers
 *   mark=MARK           packets of sockets with this mark are left out, in the kernel: those that
 *                       the library's own outputs send (F1); 0 = none; default MIRROR_SOCKET_MARK
 *
 * afpacket:IFNAME[?OPTION=NUMBER&...] as an output, and xdp:IFNAME[?OPTION=NUMBER&...], put whole
 * outer frames on an interface, past its queueing discipline, its taps and the firewall: afpacket
 * by a transmit ring, xdp by an AF_XDP socket where there can be one, else by the ring, and the log
 * says why. xdp loads no XDP program, receives nothing and copies (zero copy would take the queue's
 * receive buffers from the host); each such output has a queue of the interface to itself.
 *
 *   ring=512            64-32768, a power of two: copies that can be on their way at a time
 *   mark=MARK           as udp
 *
 * The link header is that of the next hop: the kernel is asked once for route and neighbour of a
 * tunnel, with the interface, the tunnel's source address and the mark; what it announces later
 * keeps that current. Routes by other interfaces are none (MIRROR_E_NO_ROUTE). Some copies go the
 * kernel's own way, through queueing discipline and firewall: every two seconds one to each next
 * hop, which makes the kernel confirm it; every quarter of a second one to a next hop whose MAC is
 * not known, which makes the kernel ask for it (others fail with MIRROR_E_NO_ROUTE meanwhile); and
 * those that are too long for the ring, because the MTU grew since the output was opened. A copy
 * without source address gets that of the route. One longer than the MTU of interface or route
 * fails with MIRROR_E_TOO_LONG.
 *
 * Opening needs CAP_NET_RAW (xdp: also RLIMIT_MEMLOCK for the ring, or CAP_IPC_LOCK), and nothing
 * afterwards. The interface is followed as by afpacket inputs; when it is gone, AF_XDP is over, and
 * xdp goes on by the ring. System calls when sending are sendto, sendmsg, recvfrom and bind; close
 * and munmap when AF_XDP ends. What AF_XDP has taken, and cannot send at once, is sent later: it
 * counts as sent.
 *
 * udp:[?OPTION=NUMBER&...] sends copies from UDP sockets, unprivileged: the kernel routes and
 * resolves. A socket has one source port; a pool of them, bound to ports of 49152-65535, shares the
 * flows, so that both directions of a flow have one source port (V2), if not its copy's own.
 * Where the kernel can, runs of equal size to one target are given to it as one (UDP GSO).
 *
 *   pool=8              sockets of each address family: a power of two, at most 256. More of them
 *                       spread the flows over more paths, and make batches smaller
 *   mark=MARK           of the sockets, set if the process has CAP_NET_RAW or CAP_NET_ADMIN when it
 *                       opens the output; 0 = none; default MIRROR_SOCKET_MARK
 *   sndbuf=OCTETS       send buffer of each socket; default: the system's
 *   gso=1               0: no joined runs. A queueing discipline that takes runs apart (tbf, cake)
 *                       does not tell when it drops a part of one: then such copies count as sent
 *
 * Of a tunnel's outer headers a socket can keep the addresses, port, TTL and DF. Two differ:
 *   - The source address is the tunnel's if it is one of this host's, else the kernel's choice,
 *     which the log hears of. Copies with another source address are not known as our own by their
 *     addresses (F1), only by their mark.
 *   - The UDP checksum over IPv4 is computed unless the target says MIRROR_UDP_CHECKSUM_ZERO, with
 *     which no runs are joined.
 * Nothing waits: a copy that the kernel does not take fails with its reason.
 *
 * vxlan:DEVICE[?OPTION=NUMBER&...] gives inner frames to a vxlan device of the system, which has to
 * be there and is followed by name. Super-frames and unfinished checksums (V6) are left to it, but
 * where copies are cut: bulk traffic costs least this way. It needs CAP_NET_RAW to open.
 *
 *   mark=MARK           as udp; the encapsulated packets carry it
 *   sndbuf=4194304      octets of the socket's send buffer; without CAP_NET_ADMIN at most the
 *                       system's limit
 *
 * The device decides on VNI, target, port and all other outer headers. Copies for another VNI,
 * address or port than its own fail with MIRROR_E_NO_ROUTE: one device serves one pair of VNI and
 * target. So do all as long as there is no route, or if the device's `local` address is none of
 * this host's. Copies that would be fragmented on the way, or lost, fail with MIRROR_E_TOO_LONG. A
 * device that may send frames elsewhere is refused with MIRROR_E_UNSUPPORTED; if it becomes one
 * later, copies fail with MIRROR_E_NO_DEVICE: external, learning, with proxy, rsc, gbp, gpe or
 * remcsumtx, or with more than one entry in its forwarding database. What the device loses
 * afterwards (no neighbour, a full queue) it counts itself.
 *
 *   ip link add DEVICE type vxlan id VNI local SOURCE remote TARGET dstport 4789 \
 *     srcport 49152 65535 nolearning
 *
 * libnet:[IFNAME][?mark=MARK] sends whole IP packets by raw sockets, through the interface if one
 * is named, else by route: outer source addresses need not be this host's, and source ports are
 * V2's own. It costs most of all outputs. It needs CAP_NET_RAW to open, and with IFNAME again when
 * the interface was deleted and made anew. Nothing waits, and nothing is fragmented: what is too
 * long fails. A source of copies over IPv6 needs an address.
 *
 * pcap-live:IFNAME[?OPTION=NUMBER&...] captures with libpcap, where afpacket is not to be had. Its
 * packets carry no direction, so give the tap one, or MIRROR_AUTO and the source its MAC. It
 * follows the interface by name as long as the process may open captures, and leaves loops to F1
 * alone.
 *
 *   buffer=16777216     octets
 *   timeout_ms=10       1-1000: packets are handed over after this time
 *   promisc=1, snaplen=262144    as afpacket
 *
 * Thread rule: opening any thread; an open input or output one thread at a time, that of its tap;
 * mirror_input_interrupt any thread, signal handlers included.
 */
#ifndef LIBMIRROR_IO_H
#define LIBMIRROR_IO_H

#include <libmirror/ext/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The mark (SO_MARK) of sockets that send copies. It stays clear of the bits that are in use by
 * Kubernetes (0xc000), Cilium (0x0f00) and Calico (the upper half).
 */
#define MIRROR_SOCKET_MARK 0x30b5u

typedef struct mirror_input mirror_input;
typedef struct mirror_output mirror_output;

/*
 * Open an input or output by URI. `argument` is borrowed for the call unless its struct says
 * otherwise. *input, *output: returns-owned.
 * Errors: MIRROR_E_URI, MIRROR_E_UNSUPPORTED, MIRROR_E_NOMEM, and those of the backend:
 * MIRROR_E_OS, MIRROR_E_FORMAT, MIRROR_E_LINK_TYPE, ...
 */
MIRROR_API int32_t mirror_input_open(mirror_context *context, const char *uri, const void *argument,
                                     mirror_input **input, mirror_report *report);
MIRROR_API int32_t mirror_output_open(mirror_context *context, const char *uri,
                                      const void *argument, mirror_output **output,
                                      mirror_report *report);
/* NULL is allowed. Destroy the tap that uses them first. */
MIRROR_API void mirror_input_close(mirror_input *input);
MIRROR_API void mirror_output_close(mirror_output *output);

/* Any thread, signal handlers included: a waiting receive returns MIRROR_E_INTERRUPTED. */
MIRROR_API void mirror_input_interrupt(mirror_input *input);

/* MIRROR_E_UNSUPPORTED where the backend does not know. See ext/backend.h. */
MIRROR_API int32_t mirror_input_descriptor(mirror_input *input, int32_t *fd);
MIRROR_API int32_t mirror_input_link_type(mirror_input *input, uint32_t *link_type);
MIRROR_API int32_t mirror_input_progress(mirror_input *input, uint64_t *done, uint64_t *total);
MIRROR_API int32_t mirror_input_drops(mirror_input *input, uint64_t *packets);
/*
 * Reads packets without a tap: up to `capacity` of them into packets[], *count of them, waiting at
 * most timeout_ns for the first one (0: not at all; negative: without limit). They are views, valid
 * until mirror_input_release, which comes before the next receive. Not while a tap has the input.
 * Statuses: as receive in ext/backend.h; MIRROR_E_STATE (the last packets were not released),
 * MIRROR_E_ARGUMENT.
 */
MIRROR_API int32_t mirror_input_receive(mirror_input *input, mirror_packet *packets,
                                        uint32_t capacity, int64_t timeout_ns, uint32_t *count,
                                        mirror_report *report);
/* Gives back the packets of the last receive; without effect if there are none, or on NULL. */
MIRROR_API void mirror_input_release(mirror_input *input);

/* Pushes out what the output has gathered: call it at the end and look at the status. */
MIRROR_API int32_t mirror_output_flush(mirror_output *output, mirror_report *report);

/*
 * "pcap:" output. What send takes is gathered and written in large pieces: what a write that failed
 * has lost of them counts as sent, and all later copies, and the flush, fail with its status.
 */
typedef struct mirror_pcap_output {
  uint32_t size;
  uint32_t thread; /* 1: the output starts a thread that writes while the tap goes on, and send
                      waits for it only when it is more than 3 MiB behind. It blocks all signals, so
                      that a closed pipe raises none. 0 (default): send writes */
} mirror_pcap_output;

MIRROR_API void mirror_pcap_output_init(mirror_pcap_output *output, uint32_t size);

/* "memory:" input: packets in the caller's memory, borrowed until close. */
typedef struct mirror_memory_input {
  uint32_t size;
  uint32_t link_type; /* for mirror_input_link_type; each packet carries its own */
  const mirror_packet *packets;
  uint64_t count;
} mirror_memory_input;

MIRROR_API void mirror_memory_input_init(mirror_memory_input *input, uint32_t size);

/* Where one copy stands in the buffer of a memory output. Array element, layout frozen. */
typedef struct mirror_memory_copy {
  uint64_t offset;
  uint32_t length;
  uint16_t source_port;
  uint16_t reserved;
  int64_t time_ns;
} mirror_memory_copy;

/*
 * "memory:" output: complete copies one after the other in the caller's buffer. The struct itself
 * is borrowed until close, and `used` and `count` are written after each copy. A copy for
 * which there is no room fails with MIRROR_E_NO_BUFFER; set used and count to 0 to start anew.
 */
typedef struct mirror_memory_output {
  uint32_t size;
  uint32_t layer; /* MIRROR_LAYER_; default LINK */
  uint8_t *buffer;
  uint64_t capacity;
  mirror_memory_copy *copies; /* capacity_copies elements */
  uint64_t capacity_copies;
  uint64_t used;
  uint64_t count;
} mirror_memory_output;

MIRROR_API void mirror_memory_output_init(mirror_memory_output *output, uint32_t size);

/*
 * "callback:" backends: the caller's functions, with the contracts of the slots of the same name
 * in ext/backend.h and `user` in the place of state. The struct is copied.
 */
typedef struct mirror_callback_input {
  uint32_t size;
  uint32_t link_type; /* MIRROR_LINK_ of the packets; default Ethernet */
  void *user;
  int32_t (*receive)(void *user, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                     uint32_t *count, mirror_report *report); /* required */
  void (*release)(void *user);                                /* optional */
  void (*interrupt)(void *user);                              /* required */
  int32_t (*descriptor)(void *user, int32_t *fd);             /* optional */
} mirror_callback_input;

MIRROR_API void mirror_callback_input_init(mirror_callback_input *input, uint32_t size);

typedef struct mirror_callback_output {
  uint32_t size;
  uint32_t layer; /* MIRROR_LAYER_; default LINK */
  void *user;
  int32_t (*send)(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                  mirror_report *report);              /* required */
  int32_t (*flush)(void *user, mirror_report *report); /* optional */
} mirror_callback_output;

MIRROR_API void mirror_callback_output_init(mirror_callback_output *output, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif

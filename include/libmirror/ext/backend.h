/*
 * libmirror/ext/backend.h - for authors of I/O backends (spec F5).
 *
 * A backend is one constant table of functions, registered under a name; URIs "name:body" open
 * it. The table is copied and checked at registration. An instance is either an input or an
 * output; its private state is `state_size` zeroed octets that the library allocates, aligned
 * for any type, and frees after close.
 *
 * No slot may print, exit or keep a pointer it was given.
 *
 * Thread rule: functions any thread; slots are called on the thread that has the input or output,
 * one call at a time; the slot interrupt is called on any thread and in signal handlers.
 */
#ifndef LIBMIRROR_EXT_BACKEND_H
#define LIBMIRROR_EXT_BACKEND_H

#include <libmirror/packet.h>
#include <libmirror/vxlan.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIRROR_BACKEND_ABI 1u

/* mirror_backend.capabilities */
#define MIRROR_CAN_INPUT 1u
#define MIRROR_CAN_OUTPUT 2u

/*
 * One copy, ready to leave. Array element, layout frozen. All pointers are borrowed for the call.
 *
 * At MIRROR_LAYER_INNER there are no outer headers: the output encapsulates, as `outer` says. Such
 * copies leave undone what a network device can do (V6, packet.h), as gso_type and flags say: a
 * super-frame stands for all its segments, none of which is to be cut, and whose IP header says its
 * length; what is in its place of the checksum is the sum of the pseudo-header. Anything else comes
 * as at the other layers, segmented, finished and cut. With gso_type 0 and flags 0 nothing is left.
 */
typedef struct mirror_copy {
  const uint8_t *head; /* outer headers from the output's layer down, VXLAN header, and what was
                          written anew of the inner frame: a synthesized Ethernet header (V7), the
                          headers of a segment or up to a finished checksum (V6) */
  const uint8_t *body; /* the rest of the inner frame, in the packet's own memory */
  uint32_t head_length;
  uint32_t body_length;
  int64_t time_ns;           /* of the packet */
  const mirror_outer *outer; /* the tunnel: addresses, UDP port, VNI */
  uint16_t source_port;      /* outer UDP source port (V2) */
  uint16_t gso_size;         /* MIRROR_LAYER_INNER; of mirror_packet, offsets from head on */
  uint16_t checksum_start;
  uint16_t checksum_offset;
  uint8_t gso_type;
  uint8_t flags;          /* MIRROR_PACKET_NEEDS_CHECKSUM */
  uint16_t header_length; /* of a super-frame: octets in front of the payload */
  uint32_t segments;      /* packets it stands for: 1, or more of a super-frame */
} mirror_copy;

/* How an instance is opened. Borrowed for the open call. */
typedef struct mirror_open {
  uint32_t size;
  uint32_t reserved;
  const char *uri;         /* whole, for messages */
  const char *body;        /* what follows "name:"; "" if nothing */
  const void *argument;    /* the caller's, defined by the backend; may be NULL */
  mirror_context *context; /* for logging only */
} mirror_open;

typedef struct mirror_backend {
  uint32_t size;         /* sizeof(mirror_backend) */
  uint32_t abi;          /* MIRROR_BACKEND_ABI */
  const char *name;      /* 1-31 characters: a-z, 0-9, '-'; static */
  uint32_t capabilities; /* MIRROR_CAN_ */
  uint32_t state_size;   /* octets of private state */

  /*
   * Opens an input. May block for the time a file or device needs. On failure fills in the
   * report, releases what it took, and close is not called. Required with MIRROR_CAN_INPUT.
   */
  int32_t (*open_input)(void *state, const mirror_open *open, mirror_report *report);

  /*
   * Yields up to `capacity` packets as views in packets[], *count of them. They stay valid
   * until release. Waits at most timeout_ns for the first packet (0: not at all; negative: without
   * limit) and never for a second. Every packet must carry its link type; source and direction
   * 0 leave them to the tap. All fields are set: what an array element held before does not
   * count. An input that reads with virtio-net headers passes them on in the offload fields.
   * MIRROR_OK with *count >= 1; else *count is 0 and: MIRROR_E_AGAIN nothing within the time;
   * MIRROR_E_END no more, ever; MIRROR_E_INTERRUPTED; MIRROR_E_DAMAGED and others: the input
   * has failed, report filled in. Packets before a fault are delivered first. Required with
   * MIRROR_CAN_INPUT.
   */
  int32_t (*receive)(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                     uint32_t *count, mirror_report *report);

  /* Gives back all packets of the last receive. Optional: nothing to do. */
  void (*release)(void *state);

  /* As open_input. Required with MIRROR_CAN_OUTPUT. */
  int32_t (*open_output)(void *state, const mirror_open *open, mirror_report *report);

  /* The layer of the copies that this output takes: MIRROR_LAYER_. Required with CAN_OUTPUT. */
  uint32_t (*layer)(void *state);

  /*
   * Takes copies in order. *accepted says how many were taken. MIRROR_OK: all. Otherwise the copy
   * behind those failed with the status returned, and the rest were not looked at: the caller
   * counts that one as failed and may call again with the rest. Nothing is retained after the
   * call. Must not block: a full queue is MIRROR_E_AGAIN or MIRROR_E_NO_BUFFER, others are
   * MIRROR_E_LINK_DOWN, MIRROR_E_NO_ROUTE, MIRROR_E_TOO_LONG, MIRROR_E_PERMISSION,
   * MIRROR_E_NO_DEVICE, MIRROR_E_OS. Files may block for the time a disk needs.
   * Required with MIRROR_CAN_OUTPUT.
   */
  int32_t (*send)(void *state, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                  mirror_report *report);

  /* Pushes out what the output has gathered, at the end and when the tap is idle. Optional. */
  int32_t (*flush)(void *state, mirror_report *report);

  /*
   * Makes a receive that waits, now or next, return MIRROR_E_INTERRUPTED once. Any thread, signal
   * handlers included: only async-signal-safe work. Required.
   */
  void (*interrupt)(void *state);

  /*
   * A file descriptor that polls readable when receive would yield something. Optional.
   * MIRROR_E_UNSUPPORTED: there is none.
   */
  int32_t (*descriptor)(void *state, int32_t *fd);

  /* MIRROR_LINK_ of the packets to come. Optional: unknown until they come. */
  int32_t (*link_type)(void *state, uint32_t *link_type);

  /* How far a finite input has come and how long it is, in octets. Optional. */
  int32_t (*progress)(void *state, uint64_t *done, uint64_t *total);

  /* Packets that the system dropped before receive. Optional: unknown. */
  int32_t (*drops)(void *state, uint64_t *packets);

  /* Ends the instance, flushed or not. No packet is outstanding. Required. */
  void (*close)(void *state);

  /*
   * As send, for outputs that gain by another order: takes each copy once, and says what became of
   * it in statuses[count], with the statuses of send. Copies with one source port keep their order.
   * Returns MIRROR_OK if all were taken, else the status of one that was not, with its report. A
   * tap prefers it to send. Optional.
   */
  int32_t (*send_each)(void *state, const mirror_copy *copies, uint32_t count, int32_t *statuses,
                       mirror_report *report);
} mirror_backend;

/*
 * Adds a backend to a context. Copies the table and its name. Any thread.
 * Errors: MIRROR_E_BACKEND (the report says which rule is broken), MIRROR_E_EXISTS,
 * MIRROR_E_NOMEM, MIRROR_E_STRUCT_SIZE.
 */
MIRROR_API int32_t mirror_backend_register(mirror_context *context, const mirror_backend *backend,
                                           mirror_report *report);

/* Calls `visit` with the name and capabilities of each backend of the context. */
typedef int32_t (*mirror_backend_visit_fn)(void *user, const char *name, uint32_t capabilities);
MIRROR_API int32_t mirror_backends_visit(mirror_context *context, mirror_backend_visit_fn visit,
                                         void *user);

#ifdef __cplusplus
}
#endif

#endif

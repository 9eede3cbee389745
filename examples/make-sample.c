/*
 * make-sample FILE - writes the sample capture of the demo: what the interface 10.0.0.3 of the
 * Table 2 example receives and sends, with packets of each kind that a mirror must tell apart.
 * Every run writes the same octets. The comments say what becomes of them under
 * samples/table2.json, whose sessions are `table-2` and, for what that one leaves, `the-rest`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libnet.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 2048u
#define VLAN 100u
#define FRAGMENT_ID 0x1234u
#define START_SECONDS 1735689600 /* 2025-01-01 00:00:00 UTC */
#define STEP_NANOSECONDS 1000037

static const uint8_t source_mac[6] = {0x02, 0, 0, 0, 0, 0x03};
static const uint8_t gateway_mac[6] = {0x02, 0, 0, 0, 0, 0x01};

struct octets {
  uint8_t at[FRAME_MAX];
  uint32_t length;
};

/* VLAN tags outside in, ended by 0. */
static const uint16_t no_tags[] = {0};
static const uint16_t one_tag[] = {0x8100, 0};
static const uint16_t two_tags[] = {0x88a8, 0x8100, 0};
static const uint16_t three_tags[] = {0x88a8, 0x8100, 0x8100, 0};

struct sample {
  libnet_t *net;
  pcap_dumper_t *out;
  uint32_t packets;
  struct octets last; /* the frame written last */
};

/* Two ends of a conversation; [0] opens it. `here` is the end that is the mirrored interface. */
struct talk {
  const char *address[2];
  uint16_t port[2];
  uint32_t sent[2]; /* TCP sequence numbers */
  uint32_t here;
  const uint16_t *tags;
};

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("make-sample: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static void built(struct sample *sample, libnet_ptag_t tag) {
  if (tag < 0) fail("libnet cannot build a header: %s", libnet_geterror(sample->net));
}

/* Takes the packet whose headers were built, innermost first. */
static void take(struct sample *sample, struct octets *packet) {
  uint8_t *octets = NULL;
  if (libnet_pblock_coalesce(sample->net, &octets, &packet->length) < 0) {
    fail("libnet cannot put a packet together: %s", libnet_geterror(sample->net));
  }
  if (packet->length > FRAME_MAX) fail("a packet of %u octets is too long", packet->length);
  memcpy(packet->at, octets, packet->length);
  libnet_adv_free_packet(sample->net, octets);
  libnet_clear_packet(sample->net);
}

static void write_frame(struct sample *sample) {
  const int64_t passed = (int64_t)sample->packets * STEP_NANOSECONDS;
  struct pcap_pkthdr header = {.caplen = sample->last.length, .len = sample->last.length};
  header.ts.tv_sec = (time_t)(START_SECONDS + passed / 1000000000);
  header.ts.tv_usec = (suseconds_t)(passed % 1000000000); /* nanoseconds: the file's precision */
  pcap_dump((uint8_t *)sample->out, &header, sample->last.at);
  sample->packets++;
}

static void append(struct octets *to, const uint8_t *octets, uint32_t count) {
  if (count > FRAME_MAX - to->length) fail("a frame is longer than %u octets", FRAME_MAX);
  memcpy(to->at + to->length, octets, count);
  to->length += count;
}

/* The frame behind its first tag: identifier and type of each further one, then the packet. */
static struct octets behind_first_tag(const uint16_t *tags, uint16_t ethertype,
                                      const struct octets *packet) {
  struct octets rest = {.length = 0};
  for (uint32_t i = 1; tags[0] && tags[i]; i++) {
    const uint16_t type = tags[i + 1] ? tags[i + 1] : ethertype;
    const uint8_t tag[4] = {0, (uint8_t)(VLAN + i), (uint8_t)(type >> 8), (uint8_t)type};
    append(&rest, tag, sizeof tag);
  }
  append(&rest, packet->at, packet->length);
  return rest;
}

/* Wraps a packet into Ethernet and VLAN tags (identifiers 100, 101 ...) and writes it. */
static void send_frame(struct sample *sample, bool egress, const uint16_t *tags, uint16_t ethertype,
                       const struct octets *packet) {
  const uint8_t *to = egress ? gateway_mac : source_mac;
  const uint8_t *from = egress ? source_mac : gateway_mac;
  const struct octets rest = behind_first_tag(tags, ethertype, packet);
  if (tags[0]) {
    const uint16_t type = tags[1] ? tags[1] : ethertype;
    built(sample, libnet_build_802_1q(to, from, tags[0], 0, 0, VLAN, type, rest.at, rest.length,
                                      sample->net, 0));
  } else {
    built(sample, libnet_build_ethernet(to, from, ethertype, rest.at, rest.length, sample->net, 0));
  }
  take(sample, &sample->last);
  write_frame(sample);
}

static uint32_t ipv4_address(const char *text) {
  uint32_t address;
  if (inet_pton(AF_INET, text, &address) != 1) fail("%s is no IPv4 address", text);
  return address;
}

/* `payload` is NULL if libnet builds what follows. */
static void build_ipv4(struct sample *sample, const struct talk *talk, uint32_t from,
                       uint8_t protocol, uint16_t fragment, const uint8_t *payload,
                       uint32_t length) {
  const uint16_t id = fragment == IP_DF ? 0 : FRAGMENT_ID;
  built(sample,
        libnet_build_ipv4((uint16_t)(LIBNET_IPV4_H + length), 0, id, fragment, 64, protocol, 0,
                          ipv4_address(talk->address[from]), ipv4_address(talk->address[1 - from]),
                          payload, payload ? length : 0, sample->net, 0));
}

static struct libnet_in6_addr ipv6_address(const char *text) {
  struct libnet_in6_addr address;
  if (inet_pton(AF_INET6, text, &address) != 1) fail("%s is no IPv6 address", text);
  return address;
}

static void build_ipv6(struct sample *sample, const struct talk *talk, uint32_t from,
                       uint8_t protocol, uint32_t length) {
  built(sample,
        libnet_build_ipv6(0, 0, (uint16_t)length, protocol, 64, ipv6_address(talk->address[from]),
                          ipv6_address(talk->address[1 - from]), NULL, 0, sample->net, 0));
}

/* Puts the IP header in front of a transport header of `length` octets, payload included. */
static void send_transport(struct sample *sample, const struct talk *talk, uint32_t from,
                           uint8_t protocol, uint32_t length) {
  const bool ipv6 = strchr(talk->address[from], ':') != NULL;
  struct octets packet;
  if (ipv6) {
    build_ipv6(sample, talk, from, protocol, length);
  } else {
    build_ipv4(sample, talk, from, protocol, IP_DF, NULL, length);
  }
  take(sample, &packet);
  send_frame(sample, from == talk->here, talk->tags, ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP, &packet);
}

static void tcp(struct sample *sample, struct talk *talk, uint32_t from, uint8_t flags,
                const char *payload) {
  const uint32_t payload_length = (uint32_t)strlen(payload);
  const uint32_t length = LIBNET_TCP_H + payload_length;
  built(sample, libnet_build_tcp(talk->port[from], talk->port[1 - from], talk->sent[from],
                                 flags & TH_ACK ? talk->sent[1 - from] : 0, flags, 64240, 0, 0,
                                 (uint16_t)length, (const uint8_t *)payload, payload_length,
                                 sample->net, 0));
  send_transport(sample, talk, from, IPPROTO_TCP, length);
  talk->sent[from] += payload_length + (flags & (TH_SYN | TH_FIN) ? 1 : 0);
}

static void udp(struct sample *sample, const struct talk *talk, uint32_t from,
                const uint8_t *payload, uint32_t payload_length) {
  const uint32_t length = LIBNET_UDP_H + payload_length;
  built(sample, libnet_build_udp(talk->port[from], talk->port[1 - from], (uint16_t)length, 0,
                                 payload, payload_length, sample->net, 0));
  send_transport(sample, talk, from, IPPROTO_UDP, length);
}

/* Request and reply, mirrored by the-rest unless table-2 rejects them. */
static void ping(struct sample *sample, const struct talk *talk, uint16_t sequence) {
  static uint8_t payload[] = "libmirror sample";
  for (uint32_t from = 0; from < 2; from++) {
    built(sample, libnet_build_icmpv4_echo(from == 0 ? ICMP_ECHO : ICMP_ECHOREPLY, 0, 0, 7,
                                           sequence, payload, sizeof payload, sample->net, 0));
    send_transport(sample, talk, from, IPPROTO_ICMP, LIBNET_ICMPV4_ECHO_H + sizeof payload);
  }
}

static struct talk between(const char *client, uint16_t client_port, const char *server,
                           uint16_t server_port, uint32_t here) {
  return (struct talk){.address = {client, server},
                       .port = {client_port, server_port},
                       .sent = {1000, 5000},
                       .here = here,
                       .tags = no_tags};
}

static struct talk web(const char *client, uint16_t client_port) {
  return between(client, client_port, "10.0.0.3", 80, 1);
}

static void open_tcp(struct sample *sample, struct talk *talk) {
  tcp(sample, talk, 0, TH_SYN, "");
  tcp(sample, talk, 1, TH_SYN | TH_ACK, "");
  tcp(sample, talk, 0, TH_ACK, "");
}

/* Client: mirrored by table-2. Server: mirrored by the-rest. */
static void fetch(struct sample *sample, uint16_t client_port) {
  struct talk talk = web("172.16.0.5", client_port);
  open_tcp(sample, &talk);
  tcp(sample, &talk, 0, TH_PUSH | TH_ACK, "GET / HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\n");
  tcp(sample, &talk, 1, TH_ACK, "");
  tcp(sample, &talk, 1, TH_PUSH | TH_ACK,
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 46\r\n\r\n"
      "A page, so that the reply is longer than 128.\n");
  tcp(sample, &talk, 0, TH_ACK, "");
  tcp(sample, &talk, 0, TH_FIN | TH_ACK, "");
  tcp(sample, &talk, 1, TH_FIN | TH_ACK, "");
  tcp(sample, &talk, 0, TH_ACK, "");
}

/* Mirrored by the-rest: the client's port is not in Table 2. */
static void refuse_another_port(struct sample *sample) {
  struct talk talk = web("172.16.0.5", 10002);
  tcp(sample, &talk, 0, TH_SYN, "");
  tcp(sample, &talk, 1, TH_RST | TH_ACK, "");
}

/* Unparsable: neither IPv4 nor IPv6. */
static void arp(struct sample *sample, bool egress, const char *sender, const char *wanted) {
  static const uint8_t unknown[6];
  const uint32_t sender_address = ipv4_address(sender);
  const uint32_t wanted_address = ipv4_address(wanted);
  struct octets packet;
  built(sample,
        libnet_build_arp(ARPHRD_ETHER, ETHERTYPE_IP, 6, 4, ARPOP_REQUEST,
                         egress ? source_mac : gateway_mac, (const uint8_t *)&sender_address,
                         unknown, (const uint8_t *)&wanted_address, NULL, 0, sample->net, 0));
  take(sample, &packet);
  send_frame(sample, egress, no_tags, ETHERTYPE_ARP, &packet);
}

/* Mirrored by the-rest: question egress, answer ingress. */
static void resolve(struct sample *sample, const char *host, const char *server) {
  static const uint8_t question[] = {0, 7,   1,   0,   0,   1,   0,   0,   0,   0,
                                     0, 0,   7,   'e', 'x', 'a', 'm', 'p', 'l', 'e',
                                     3, 'c', 'o', 'm', 0,   0,   1,   0,   1};
  uint8_t answer[sizeof question];
  const struct talk talk = between(host, 40000, server, 53, 0);
  memcpy(answer, question, sizeof answer);
  memcpy(answer + 2, "\x81\x83", 2); /* no such name */
  udp(sample, &talk, 0, question, sizeof question);
  udp(sample, &talk, 1, answer, sizeof answer);
}

/* The client's packets: mirrored by table-2, tags and all; with three tags unparsable. */
static void tagged(struct sample *sample) {
  struct talk one = web("172.16.0.6", 10000);
  struct talk two = web("172.16.0.7", 10001);
  struct talk three = web("172.16.0.8", 10000);
  one.tags = one_tag;
  two.tags = two_tags;
  three.tags = three_tags;
  open_tcp(sample, &one);
  open_tcp(sample, &two);
  tcp(sample, &three, 0, TH_SYN, "");
}

/* One UDP datagram in two packets, both mirrored by the-rest; the second has no ports. */
static void fragments(struct sample *sample) {
  const struct talk talk = between("172.16.0.5", 10000, "10.0.0.3", 7, 1);
  const uint32_t length = LIBNET_UDP_H + 1192;
  const uint32_t first = 800;
  uint8_t payload[1192];
  struct octets whole;
  struct octets packet;
  memset(payload, 'f', sizeof payload);
  built(sample, libnet_build_udp(talk.port[0], talk.port[1], (uint16_t)length, 0, payload,
                                 sizeof payload, sample->net, 0));
  build_ipv4(sample, &talk, 0, IPPROTO_UDP, 0, NULL, length);
  take(sample, &whole);
  const uint8_t *datagram = whole.at + LIBNET_IPV4_H;
  build_ipv4(sample, &talk, 0, IPPROTO_UDP, IP_MF, datagram, first);
  take(sample, &packet);
  send_frame(sample, false, no_tags, ETHERTYPE_IP, &packet);
  build_ipv4(sample, &talk, 0, IPPROTO_UDP, first / 8, datagram + first,
             (uint16_t)(length - first));
  take(sample, &packet);
  send_frame(sample, false, no_tags, ETHERTYPE_IP, &packet);
}

/* What 192.168.0.0/24 sends to 10.2.0.0/24 is rejected by table-2; answers are not, nor is what
 * 192.168.1.7 sends: both are mirrored by the-rest. */
static void forward(struct sample *sample) {
  struct talk rejected = between("192.168.0.7", 20000, "10.2.0.9", 22, 0);
  struct talk neighbour = between("192.168.1.7", 20000, "10.2.0.9", 22, 0);
  tcp(sample, &rejected, 0, TH_SYN, "");
  tcp(sample, &rejected, 1, TH_RST | TH_ACK, "");
  udp(sample, &rejected, 0, (const uint8_t *)"data", 4);
  ping(sample, &rejected, 1);
  tcp(sample, &neighbour, 0, TH_SYN, "");
}

/* Mirrored by table-2: 1514 octets, of which 1464 fit the MTU. */
static void full_frame(struct sample *sample) {
  struct talk talk = web("172.16.0.9", 10000);
  char page[1460 + 1];
  memset(page, 'x', sizeof page - 1);
  page[sizeof page - 1] = 0;
  tcp(sample, &talk, 0, TH_PUSH | TH_ACK, page);
}

/* A VXLAN datagram as the mirror of this interface sends it, around the frame sent last. */
static void vxlan(struct sample *sample, uint8_t vni) {
  const struct talk talk = between("10.0.0.3", 50000, "10.0.9.9", 4789, 0);
  const uint8_t header[8] = {8, [6] = vni};
  uint8_t payload[FRAME_MAX];
  const uint32_t payload_length = (uint32_t)sizeof header + sample->last.length;
  memcpy(payload, header, sizeof header);
  memcpy(payload + sizeof header, sample->last.at, sample->last.length);
  const uint32_t length = LIBNET_UDP_H + payload_length;
  const libnet_ptag_t tag = libnet_build_udp(talk.port[0], talk.port[1], (uint16_t)length, 0,
                                             payload, payload_length, sample->net, 0);
  built(sample, tag);
  libnet_toggle_checksum(sample->net, tag, LIBNET_OFF);
  send_transport(sample, &talk, 0, IPPROTO_UDP, length);
}

/* Own: copies for the VNIs of the two sessions. All else that goes to the collector is mirrored
 * by the-rest. */
static void to_the_collector(struct sample *sample) {
  struct talk client = web("172.16.0.10", 10000);
  struct talk collector = between("10.0.0.3", 30000, "10.0.9.9", 443, 0);
  tcp(sample, &client, 0, TH_SYN, "");
  vxlan(sample, 1);
  tcp(sample, &client, 1, TH_SYN | TH_ACK, "");
  vxlan(sample, 2);
  tcp(sample, &client, 0, TH_ACK, "");
  vxlan(sample, 99);
  tcp(sample, &collector, 0, TH_SYN, "");
}

static void write_packets(struct sample *sample) {
  const struct talk host = between("172.16.0.5", 0, "10.0.0.3", 0, 1);
  struct talk ipv6 = between("2001:db8::5", 10000, "2001:db8::3", 80, 1);
  arp(sample, false, "10.0.0.1", "10.0.0.3");
  arp(sample, true, "10.0.0.3", "10.0.0.1");
  fetch(sample, 10000);
  fetch(sample, 10001);
  refuse_another_port(sample);
  resolve(sample, "10.0.0.3", "10.0.0.2");
  ping(sample, &host, 1);
  open_tcp(sample, &ipv6); /* mirrored by the-rest, as is the next */
  resolve(sample, "2001:db8::3", "2001:db8::2");
  tagged(sample);
  fragments(sample);
  forward(sample);
  full_frame(sample);
  to_the_collector(sample);
}

static void write_file(struct sample *sample, const char *path) {
  pcap_t *format =
      pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_NANO);
  if (!format) fail("out of memory");
  sample->out = pcap_dump_open(format, path);
  if (!sample->out) fail("cannot write: %s", pcap_geterr(format));
  write_packets(sample);
  if (pcap_dump_flush(sample->out) != 0 || ferror(pcap_dump_file(sample->out))) {
    fail("cannot write %s: %s", path, strerror(errno));
  }
  pcap_dump_close(sample->out);
  pcap_close(format);
}

int main(int argc, char **argv) {
  char error[LIBNET_ERRBUF_SIZE];
  struct sample sample = {.net = NULL};
  if (argc != 2) {
    fputs("usage: make-sample FILE\n", stderr);
    return 2;
  }
  sample.net = libnet_init(LIBNET_NONE, NULL, error);
  if (!sample.net) fail("libnet: %s", error);
  write_file(&sample, argv[1]);
  libnet_destroy(sample.net);
  return 0;
}

/*
 * receiver: receives mirrored packets at a UDP port, takes off VXLAN, and writes them as pcap or as
 * lines. Packets are never sent on.
 *
 *   receiver --from 10.0.0.0/24 --vni 7 --write copies.pcap
 *   receiver --from any --vni any
 *
 * Anybody can send to a UDP port, so it has to be said from whom and which VNIs are expected. What
 * is refused is counted by its reason.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libmirror/libmirror.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { LISTED = 32, REASONS = 256, SENDER = 0, VNI = 1 }; /* reasons: these, and negated statuses */

struct network {
  int family;
  uint8_t address[16];
  unsigned long prefix; /* bits */
};

static struct {
  struct network from[LISTED];
  unsigned long vni[LISTED];
  size_t froms, vnis;
  int from_any, vni_any;
  const char *listen, *port;
  FILE *file;
  unsigned long count; /* 0: without end */
  unsigned long seconds;
} options = {.listen = "0.0.0.0", .port = "4789"};

static unsigned long refused[REASONS];
static volatile sig_atomic_t ended;

static void end(int number) {
  (void)number;
  ended = 1;
}

static void give_up(const char *what, const char *why) {
  fprintf(stderr, "receiver: %s: %s\n", what, why);
  exit(1);
}

/* ---- who may send what ---- */

static void allow_network(const char *text) {
  struct network *network = &options.from[options.froms];
  char address[INET6_ADDRSTRLEN];
  const char *slash = strchr(text, '/');
  size_t length = slash ? (size_t)(slash - text) : strlen(text);
  if (length >= sizeof address || options.froms == LISTED) give_up("--from", text);
  memcpy(address, text, length);
  address[length] = '\0';
  network->family = strchr(address, ':') ? AF_INET6 : AF_INET;
  if (inet_pton(network->family, address, network->address) != 1) give_up("--from", text);
  const unsigned long bits = network->family == AF_INET6 ? 128 : 32;
  network->prefix = slash ? strtoul(slash + 1, NULL, 10) : bits;
  if (network->prefix > bits) give_up("--from", text);
  options.froms++;
}

static int in_network(const struct network *network, int family, const uint8_t *address) {
  const size_t whole = network->prefix / 8;
  const unsigned rest = network->prefix % 8;
  if (family != network->family || memcmp(address, network->address, whole)) return 0;
  return !rest || (address[whole] ^ network->address[whole]) >> (8 - rest) == 0;
}

static int sender_allowed(int family, const uint8_t *address) {
  for (size_t i = 0; i < options.froms; i++)
    if (in_network(&options.from[i], family, address)) return 1;
  return options.from_any;
}

static int vni_allowed(uint32_t vni) {
  for (size_t i = 0; i < options.vnis; i++)
    if (options.vni[i] == vni) return 1;
  return options.vni_any;
}

/* ---- what comes ---- */

/* A nanosecond pcap file. */
static void write_header(FILE *file) {
  const uint32_t magic = 0xa1b23c4d, rest[] = {0, 0, 262144, MIRROR_LINK_ETHERNET};
  const uint16_t version[] = {2, 4};
  fwrite(&magic, sizeof magic, 1, file);
  fwrite(version, sizeof version, 1, file);
  fwrite(rest, sizeof rest, 1, file);
}

static void write_packet(FILE *file, const mirror_decapsulated *copy) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  const uint32_t header[] = {(uint32_t)time.tv_sec, (uint32_t)time.tv_nsec, copy->inner_length,
                             copy->inner_length};
  fwrite(header, sizeof header, 1, file);
  fwrite(copy->inner, copy->inner_length, 1, file);
}

static void print_packet(const char *sender, const mirror_decapsulated *copy) {
  const mirror_packet packet = {
      .data = copy->inner, .caplen = copy->inner_length, .link_type = MIRROR_LINK_ETHERNET};
  char from[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN] = "";
  mirror_key key;
  uint32_t why = 0;
  mirror_packet_key(&packet, &key, &why);
  printf("from %s vni %u length %u: ", sender, copy->vni, copy->inner_length);
  if (key.family) {
    inet_ntop(key.family == 6 ? AF_INET6 : AF_INET, key.source, from, sizeof from);
    inet_ntop(key.family == 6 ? AF_INET6 : AF_INET, key.destination, to, sizeof to);
    printf("%s > %s protocol %u\n", from, to, key.protocol);
  } else {
    printf("%s\n", mirror_unparsable_text(why));
  }
  fflush(stdout);
}

/* Takes one datagram; returns whether it was accepted. */
static int take(const uint8_t *octets, uint32_t length, const struct sockaddr_storage *sender) {
  const uint8_t *address = sender->ss_family == AF_INET6
                               ? (const uint8_t *)&((const struct sockaddr_in6 *)sender)->sin6_addr
                               : (const uint8_t *)&((const struct sockaddr_in *)sender)->sin_addr;
  char name[INET6_ADDRSTRLEN];
  mirror_decapsulated copy;
  if (!sender_allowed(sender->ss_family, address)) return refused[SENDER]++, 0;
  mirror_decapsulated_init(&copy, sizeof copy);
  int32_t status = mirror_vxlan_decode(MIRROR_LAYER_UDP, 0, octets, length, &copy);
  if (status) return refused[-status % REASONS]++, 0;
  if (!vni_allowed(copy.vni)) return refused[VNI]++, 0;
  inet_ntop(sender->ss_family, address, name, sizeof name);
  if (options.file)
    write_packet(options.file, &copy);
  else
    print_packet(name, &copy);
  return 1;
}

static void print_refused(void) {
  for (int32_t i = 0; i < REASONS; i++) {
    if (!refused[i]) continue;
    const char *why = i == SENDER ? "sender not allowed"
                      : i == VNI  ? "VNI not allowed"
                                  : mirror_status_name(-i);
    fprintf(stderr, "refused: %lu, %s\n", refused[i], why);
  }
}

/* ---- the socket and the options ---- */

static int open_socket(void) {
  const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
  const struct timeval timeout = {.tv_sec = (time_t)options.seconds};
  struct sockaddr_storage bound;
  socklen_t length = sizeof bound;
  struct addrinfo *at;
  char port[8];
  int error = getaddrinfo(options.listen, options.port, &hints, &at);
  if (error) give_up(options.listen, gai_strerror(error));
  int fd = socket(at->ai_family, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen)) give_up(options.listen, strerror(errno));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout); /* 0: none */
  freeaddrinfo(at);
  getsockname(fd, (struct sockaddr *)&bound, &length);
  getnameinfo((struct sockaddr *)&bound, length, NULL, 0, port, sizeof port, NI_NUMERICSERV);
  fprintf(stderr, "listening at port %s\n", port);
  return fd;
}

static void take_option(int letter, const char *text) {
  if (letter == 'f' && strcmp(text, "any"))
    allow_network(text);
  else if (letter == 'f')
    options.from_any = 1;
  else if (letter == 'v' && !strcmp(text, "any"))
    options.vni_any = 1;
  else if (letter == 'v' && options.vnis < LISTED)
    options.vni[options.vnis++] = strtoul(text, NULL, 10);
  else if (letter == 'l')
    options.listen = text;
  else if (letter == 'p')
    options.port = text;
  else if (letter == 'n')
    options.count = strtoul(text, NULL, 10);
  else if (letter == 't')
    options.seconds = strtoul(text, NULL, 10);
  else if (letter == 'w' && !(options.file = fopen(text, "wb")))
    give_up(text, strerror(errno));
}

int main(int argc, char **argv) {
  static const struct option names[] = {{"from", 1, NULL, 'f'},    {"vni", 1, NULL, 'v'},
                                        {"listen", 1, NULL, 'l'},  {"port", 1, NULL, 'p'},
                                        {"write", 1, NULL, 'w'},   {"count", 1, NULL, 'n'},
                                        {"timeout", 1, NULL, 't'}, {NULL, 0, NULL, 0}};
  static uint8_t octets[65536];
  const struct sigaction action = {.sa_handler = end}; /* ends a waiting recvfrom */
  for (int letter; (letter = getopt_long(argc, argv, "", names, NULL)) != -1;)
    take_option(letter, optarg);
  if (optind != argc || !(options.froms || options.from_any) || !(options.vnis || options.vni_any))
    return fputs(
               "usage: receiver --from NETWORK|any... --vni NUMBER|any... [--listen ADDRESS]\n"
               "  [--port NUMBER] [--write FILE] [--count PACKETS] [--timeout SECONDS]\n",
               stderr),
           2;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  if (options.file) write_header(options.file);
  int fd = open_socket();
  for (unsigned long taken = 0; !ended && (!options.count || taken < options.count);) {
    struct sockaddr_storage sender = {0};
    socklen_t size = sizeof sender;
    ssize_t length = recvfrom(fd, octets, sizeof octets, 0, (struct sockaddr *)&sender, &size);
    if (length < 0) break; /* a signal, or nothing came in time */
    taken += (unsigned long)take(octets, (uint32_t)length, &sender);
  }
  print_refused();
  if (options.file && fclose(options.file)) give_up("--write", strerror(errno));
  return 0;
}

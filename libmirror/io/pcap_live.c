/* "pcap-live:IFNAME": packets of an interface, by libpcap. */
#include "io/options.h"
#include "io/pcap.h"
#include "io/wait.h"
#include "packet/view.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
  ARENA = 1 << 20,
  SNAPLEN_MOST = 1 << 18,
  PACKET_MOST = SNAPLEN_MOST + 64, /* with a tag put back, or a header of libpcap's */
  DEVICE = 64,
  TICK_NS = 100 * 1000 * 1000, /* how often what libpcap does not tell is looked for */
};

struct live {
  mirror_context *context;
  struct mri_wait wait;
  int timer;
  bool ticking;
  char device[DEVICE];
  uint32_t buffer, timeout_ms, promiscuous, snaplen;
  pcap_t *pcap;   /* NULL: the interface is gone */
  uint8_t *arena; /* the packets of a batch: libpcap takes back its own */
  uint32_t link_type;
  uint32_t drops_seen; /* what libpcap said last: a counter of 32 bits */
  uint64_t drops;
};

/* ---- open ---- */

static int32_t read_options(struct live *live, const mirror_open *open, mirror_report *report) {
  live->buffer = 1 << 24;
  live->timeout_ms = 10;
  live->snaplen = SNAPLEN_MOST;
  const struct mri_option known[] = {
      {"buffer", &live->buffer, 1 << 16, 1 << 30},
      {"timeout_ms", &live->timeout_ms, 1, 1000},
      {"promisc", &live->promiscuous, 0, 1},
      {"snaplen", &live->snaplen, 14, SNAPLEN_MOST},
  };
  int32_t status = mri_options_read(open, known, sizeof known / sizeof *known, live->device,
                                    sizeof live->device, report);
  if (!status && !*live->device)
    status = mri_fail(report, MIRROR_E_URI, "\"%s\" names no interface, expected pcap-live:IFNAME",
                      open->uri);
  return status;
}

static int32_t code_of(int failure) {
  switch (failure) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return MIRROR_E_PERMISSION;
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return MIRROR_E_NO_DEVICE;
    case PCAP_ERROR_IFACE_NOT_UP:
      return MIRROR_E_LINK_DOWN;
    default:
      return MIRROR_E_OS;
  }
}

static int32_t fail(const struct live *live, pcap_t *pcap, int failure, mirror_report *report) {
  int32_t code = code_of(failure);
  const char *advice =
      code == MIRROR_E_PERMISSION ? "; on Linux it needs the capability CAP_NET_RAW" : "";
  return mri_fail(report, code, "interface \"%s\": %s: %s%s", live->device,
                  pcap_statustostr(failure), pcap_geterr(pcap), advice);
}

static int set_up(const struct live *live, pcap_t *pcap) {
  pcap_set_snaplen(pcap, (int)live->snaplen);
  pcap_set_promisc(pcap, (int)live->promiscuous);
  pcap_set_timeout(pcap, (int)live->timeout_ms);
  pcap_set_buffer_size(pcap, (int)live->buffer);
  pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO); /* else microseconds */
  return pcap_activate(pcap);
}

static int32_t check_link_type(struct live *live, pcap_t *pcap, mirror_report *report) {
  int number = pcap_datalink(pcap);
  live->link_type = mri_pcap_link(number);
  if (mri_link_supported(live->link_type)) return MIRROR_OK;
  const char *name = pcap_datalink_val_to_name(number);
  return mri_fail(report, MIRROR_E_LINK_TYPE,
                  "packets of interface \"%s\", of link type %d (%s), cannot be mirrored, expected "
                  "Ethernet, raw IP, BSD loopback or Linux cooked",
                  live->device, number, name ? name : "unnamed");
}

static int32_t activate(struct live *live, pcap_t *pcap, mirror_report *report) {
  char reason[PCAP_ERRBUF_SIZE] = "";
  int result = set_up(live, pcap);
  if (result < 0) return fail(live, pcap, result, report);
  int32_t status = check_link_type(live, pcap, report);
  if (status) return status;
  if (pcap_setnonblock(pcap, 1, reason) < 0)
    return mri_fail(report, MIRROR_E_OS, "interface \"%s\": %s", live->device, reason);
  int fd = pcap_get_selectable_fd(pcap);
  if (fd < 0)
    return mri_fail(report, MIRROR_E_OS, "interface \"%s\": libpcap has nothing to wait for",
                    live->device);
  if (!mri_wait_add(&live->wait, fd))
    return mri_fail_os(report, MIRROR_E_OS, errno, "interface \"%s\": cannot wait for it",
                       live->device);
  return MIRROR_OK;
}

static int32_t open_capture(struct live *live, mirror_report *report) {
  char reason[PCAP_ERRBUF_SIZE] = "";
  pcap_t *pcap = pcap_create(live->device, reason);
  if (!pcap) return mri_fail(report, MIRROR_E_OS, "interface \"%s\": %s", live->device, reason);
  int32_t status = activate(live, pcap, report);
  if (status)
    pcap_close(pcap);
  else
    live->pcap = pcap;
  live->drops_seen = 0;
  return status;
}

static void close_live(void *state) {
  struct live *live = state;
  if (live->pcap) pcap_close(live->pcap);
  if (live->timer >= 0) close(live->timer);
  mri_wait_close(&live->wait);
  mri_free(&live->context->alloc, live->arena);
}

static int32_t open_all(struct live *live, mirror_report *report) {
  live->timer = -1;
  if (!mri_wait_open(&live->wait) ||
      (live->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0 ||
      !mri_wait_add(&live->wait, live->timer))
    return mri_fail_os(report, MIRROR_E_OS, errno, "interface \"%s\": no descriptors to wait with",
                       live->device);
  live->arena = mri_zalloc(&live->context->alloc, 1, ARENA);
  if (!live->arena)
    return mri_fail(report, MIRROR_E_NOMEM, "interface \"%s\": out of memory", live->device);
  return open_capture(live, report);
}

static int32_t open_input(void *state, const mirror_open *open, mirror_report *report) {
  struct live *live = state;
  live->context = open->context;
  int32_t status = read_options(live, open, report);
  if (status) return status;
  status = open_all(live, report);
  if (status) close_live(live);
  return status;
}

/* ---- the interface comes and goes ---- */

static void count_drops(struct live *live) {
  struct pcap_stat stats;
  if (!live->pcap || pcap_stats(live->pcap, &stats) < 0) return;
  live->drops += stats.ps_drop - live->drops_seen;
  live->drops_seen = stats.ps_drop;
}

static void lose(struct live *live) {
  mri_log(live->context, MIRROR_LOG_WARNING, "interface \"%s\" is lost, waiting for it: %s",
          live->device, pcap_geterr(live->pcap));
  count_drops(live);
  pcap_close(live->pcap);
  live->pcap = NULL;
}

static void look_for_interface(struct live *live) {
  if (live->pcap || open_capture(live, NULL) != MIRROR_OK) return;
  mri_log(live->context, MIRROR_LOG_INFO, "interface \"%s\" is back", live->device);
}

/* A lost interface is looked for, and libpcap wants to be called now and then while one is down. */
static void set_ticking(struct live *live) {
  bool on = !live->pcap || pcap_get_required_select_timeout(live->pcap);
  if (on == live->ticking) return;
  const struct timespec tick = {0, on ? TICK_NS : 0};
  const struct itimerspec ticks = {.it_interval = tick, .it_value = tick};
  live->ticking = timerfd_settime(live->timer, 0, &ticks, NULL) == 0 && on;
}

/* ---- receive ---- */

/* The next packet; NULL if there is none. */
static const uint8_t *read_packet(struct live *live, struct pcap_pkthdr **header) {
  const uint8_t *data;
  if (!live->pcap) return NULL;
  int result = pcap_next_ex(live->pcap, header, &data);
  if (result < 0) lose(live);
  return result == 1 ? data : NULL;
}

static int64_t time_of(const struct live *live, const struct pcap_pkthdr *header) {
  bool nano = pcap_get_tstamp_precision(live->pcap) == PCAP_TSTAMP_PRECISION_NANO;
  return header->ts.tv_sec * INT64_C(1000000000) + header->ts.tv_usec * (nano ? 1 : 1000);
}

/* Packets until the batch is full, or the arena could not hold the longest; how many. */
static uint32_t gather(struct live *live, mirror_packet *packets, uint32_t capacity) {
  uint32_t count = 0, used = 0;
  struct pcap_pkthdr *header;
  const uint8_t *data;
  while (count < capacity && used <= ARENA - PACKET_MOST && (data = read_packet(live, &header))) {
    uint32_t length = header->caplen < PACKET_MOST ? header->caplen : PACKET_MOST;
    memcpy(live->arena + used, data, length);
    packets[count++] = (mirror_packet){
        .data = live->arena + used,
        .caplen = length,
        .length = header->len,
        .time_ns = time_of(live, header),
        .link_type = (uint16_t)live->link_type,
    };
    used += length;
  }
  return count;
}

static int32_t wait_for_packets(struct live *live, int64_t deadline) {
  set_ticking(live);
  struct pollfd polled[3] = {
      {.fd = live->pcap ? pcap_get_selectable_fd(live->pcap) : -1, .events = POLLIN},
      {.fd = live->timer, .events = POLLIN}};
  int32_t status = mri_wait_until(&live->wait, deadline, polled, 2);
  uint64_t ticks;
  if (!status && polled[1].revents &&
      read(live->timer, &ticks, sizeof ticks) == (ssize_t)sizeof ticks)
    look_for_interface(live);
  return status;
}

static int32_t receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  (void)report;
  struct live *live = state;
  *count = 0;
  if (mri_wait_interrupted(&live->wait)) return MIRROR_E_INTERRUPTED;
  int64_t deadline = mri_wait_deadline(timeout_ns);
  for (;;) {
    *count = gather(live, packets, capacity);
    if (*count) return MIRROR_OK;
    int32_t status = wait_for_packets(live, deadline);
    if (status) return status;
  }
}

static void interrupt_receive(void *state) {
  mri_wait_interrupt(&((struct live *)state)->wait);
}

static int32_t descriptor(void *state, int32_t *fd) {
  *fd = ((struct live *)state)->wait.epoll;
  return MIRROR_OK;
}

static int32_t link_type(void *state, uint32_t *type) {
  *type = ((struct live *)state)->link_type;
  return MIRROR_OK;
}

static int32_t drops(void *state, uint64_t *packets) {
  struct live *live = state;
  count_drops(live);
  *packets = live->drops;
  return MIRROR_OK;
}

const mirror_backend mri_backend_pcap_live = {
    .size = sizeof mri_backend_pcap_live,
    .abi = MIRROR_BACKEND_ABI,
    .name = "pcap-live",
    .capabilities = MIRROR_CAN_INPUT,
    .state_size = sizeof(struct live),
    .open_input = open_input,
    .receive = receive,
    .interrupt = interrupt_receive,
    .descriptor = descriptor,
    .link_type = link_type,
    .drops = drops,
    .close = close_live,
};

/* Reading never leaves the captured octets and never invents a field, whatever they hold (M6, M8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "packet/view.h"
#include "support/guard_page.h"
#include "support/packets.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { IP = PACKET_ETHERNET, IPV6_END = IP + 40, CHAIN_HEADERS = 8190, WALKS = 200 };

static struct guard_page *guard;
static uint8_t frame[PACKET_MAX];

static void assert_consistent(const struct mri_view *view, uint32_t caplen) {
  assert_int_equal(view->why == 0, view->key.family != 0);
  if (view->why) return;
  assert_in_range(view->end, view->network, caplen);
  if (view->has_transport) assert_in_range(view->transport, view->network + 20, view->end);
  assert_in_range(mri_flow_port(mri_flow_hash(view)), 49152, 65535);
}

static struct mri_view read_at(const uint8_t *data, uint32_t caplen) {
  const mirror_packet packet = packet_of(data, caplen, MIRROR_LINK_ETHERNET);
  struct mri_view view;
  mri_view_read(&view, &packet);
  assert_consistent(&view, caplen);
  return view;
}

/* The same octets in front of and behind inaccessible memory read alike. */
static struct mri_view read_guarded(const uint8_t *data, uint32_t caplen) {
  const struct mri_view at_end = read_at(guard_page_at_end(guard, data, caplen), caplen);
  const struct mri_view at_start = read_at(guard_page_at_start(guard, data, caplen), caplen);
  assert_memory_equal(&at_end, &at_start, offsetof(struct mri_view, ethernet));
  return at_end;
}

/* Fields of a cut frame are those of the whole one, and none that a shorter cut had is missing. */
static void assert_cut_of(const mirror_key *whole, const mirror_key *cut, uint8_t shorter) {
  assert_int_equal(cut->family, whole->family);
  assert_int_equal(cut->present & ~whole->present, 0);
  assert_int_equal(shorter & ~cut->present, 0);
  assert_memory_equal(cut->source, whole->source, 32);
  if (cut->present & MIRROR_KEY_PROTOCOL) assert_int_equal(cut->protocol, whole->protocol);
  if (cut->present & MIRROR_KEY_SOURCE_PORT) assert_int_equal(cut->source_port, whole->source_port);
  if (cut->present & MIRROR_KEY_DESTINATION_PORT)
    assert_int_equal(cut->destination_port, whole->destination_port);
}

static void cut_everywhere(uint32_t length) {
  const struct mri_view whole = read_guarded(frame, length);
  uint8_t shorter = 0;
  for (uint32_t caplen = 0; caplen <= length; caplen++) {
    const struct mri_view cut = read_guarded(frame, caplen);
    if (cut.why) {
      assert_int_equal(shorter, 0);
      continue;
    }
    assert_cut_of(&whole.key, &cut.key, shorter);
    shorter = cut.key.present;
  }
  assert_int_equal(shorter, whole.key.present);
}

/* With the true length, and with 0: then the end of the captured octets is the only bound. */
static void cut_with_lengths(const struct packet_parts *parts, uint32_t tags) {
  const uint32_t length = packet_build(parts, frame);
  cut_everywhere(length);
  mri_put16(frame + IP + 4 * tags + (parts->family == 4 ? 2 : 4), 0);
  cut_everywhere(length);
}

static void cut_with_tags(struct packet_parts parts) {
  for (uint32_t tags = 0; tags <= 3; tags++) {
    cut_with_lengths(&parts, tags);
    parts.tags[tags] = tags == 0 ? 0x88a8 : 0x8100;
  }
}

static const uint8_t protocols[] = {1, 6, 17, 33, 50, 58, 132, 136};

static void test_m8_ipv4_at_every_length(void **state) {
  (void)state;
  static const uint16_t fragments[] = {0, 0x2000, 0x2001, 0x0007};
  uint8_t options[40] = {0};
  for (uint32_t i = 0; i < COUNT(protocols) * COUNT(fragments) * 3; i++) {
    const struct packet_parts parts = {.family = 4,
                                       .protocol = protocols[i / 12],
                                       .source_port = 1234,
                                       .destination_port = 80,
                                       .fragment = fragments[i / 3 % 4],
                                       .middle = options,
                                       .middle_length = i % 3 * 20};
    cut_with_tags(parts);
  }
}

/* Chains of up to three headers of all kinds; fragment headers of all sorts. */
static void cut_chain(const uint8_t *kinds, uint32_t count, uint8_t protocol, uint16_t field) {
  uint8_t chain[96];
  uint32_t at = 0;
  const uint32_t length = packet_chain(kinds, count, protocol, chain);
  for (uint32_t i = 0; i < count; i++) {
    if (kinds[i] == 44) mri_put16(chain + at + 2, field);
    at += kinds[i] == 51 ? 24 : kinds[i] == 43 ? 16 : 8;
  }
  const struct packet_parts parts = {.family = 6,
                                     .protocol = protocol,
                                     .source_port = 1234,
                                     .destination_port = 80,
                                     .middle = chain,
                                     .middle_length = length,
                                     .next = count ? kinds[0] : 0};
  cut_with_tags(parts);
}

static void test_m8_ipv6_at_every_length(void **state) {
  (void)state;
  for (uint32_t i = 0; i < COUNT(protocols); i++)
    cut_chain(NULL, 0, protocols[i], 0);
}

static void test_m6_extension_headers_at_every_length(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 43, 44, 51, 60};
  static const uint16_t fields[] = {0, 1, 9};
  for (uint32_t n = 0; n < 125; n++) {
    const uint8_t chosen[] = {kinds[n / 25], kinds[n / 5 % 5], kinds[n % 5]};
    for (uint32_t count = 1; count <= 3; count++)
      cut_chain(chosen, count, n % 2 ? 6 : 17, fields[n % 3]);
  }
}

/* xorshift64* with a constant seed. */
static uint32_t random_below(uint64_t *state, uint32_t bound) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (uint32_t)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % bound;
}

static void test_damaged_headers(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 43, 44, 51, 60};
  uint64_t seed = 0x6d6972726f72;
  uint8_t chain[96], whole[PACKET_MAX];
  const struct packet_parts parts = {.family = 6,
                                     .protocol = 6,
                                     .tags = {0x8100},
                                     .middle = chain,
                                     .middle_length = packet_chain(kinds, 5, 6, chain)};
  const uint32_t length = packet_build(&parts, whole);
  for (uint32_t i = 0; i < 100000; i++) {
    memcpy(frame, whole, length);
    for (uint32_t n = random_below(&seed, 6); n > 0; n--)
      frame[12 + random_below(&seed, length - 12)] = (uint8_t)random_below(&seed, 256);
    read_guarded(frame, random_below(&seed, length + 1));
  }
}

/* Hop-by-hop and then destination options of 8 octets each, as many as the payload length allows.
 */
static uint32_t make_long_chain(uint8_t *data, uint32_t headers, uint32_t payload) {
  const struct packet_parts parts = {.family = 6, .protocol = 6, .source_port = 7};
  const uint32_t length = packet_build(&parts, frame), transport = length - IPV6_END;
  memset(data, 0, IPV6_END + headers * 8);
  memcpy(data, frame, IPV6_END);
  data[IP + 6] = 0;
  for (uint32_t i = 0; i < headers; i++)
    data[IPV6_END + 8 * i] = i + 1 < headers ? 60 : 6;
  memcpy(data + IPV6_END + 8 * headers, frame + IPV6_END, transport);
  mri_put16(data + IP + 4, payload);
  return IPV6_END + headers * 8 + transport;
}

static void assert_walked_to_the_end(const uint8_t *data, uint32_t length) {
  const clock_t start = clock();
  for (uint32_t i = 0; i < WALKS; i++) {
    const struct mri_view view = read_at(data, length);
    assert_int_equal(view.key.protocol, 6);
    assert_int_equal(view.key.source_port, 7);
  }
  const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  print_message("%u octets of headers: %.1f us a walk\n", (unsigned)length, seconds / WALKS * 1e6);
  assert_true(seconds < 20);
}

static void test_m6_64_kib_of_headers_are_one_pass(void **state) {
  (void)state;
  static uint8_t data[IPV6_END + 8 * CHAIN_HEADERS + 20];
  const uint32_t payload = 8 * CHAIN_HEADERS + 15;
  const uint32_t length = make_long_chain(data, CHAIN_HEADERS, payload);
  assert_int_equal(payload, UINT16_MAX);
  assert_walked_to_the_end(guard_page_at_end(guard, data, length), length);
}

/* Payload length 0: bounded by the captured octets alone. */
static void test_m6_jumbogram_of_headers(void **state) {
  (void)state;
  static uint8_t data[IPV6_END + 8 * 10 * CHAIN_HEADERS + 20];
  const uint32_t length = make_long_chain(data, 10 * CHAIN_HEADERS, 0);
  assert_walked_to_the_end(data, length);
  const struct mri_view cut = read_at(data, length - 21);
  assert_int_equal(cut.key.present, MIRROR_KEY_PROTOCOL);
}

static int make_guard(void **state) {
  (void)state;
  guard = guard_page_new(1 << 17);
  return 0;
}

static int free_guard(void **state) {
  (void)state;
  guard_page_free(guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m8_ipv4_at_every_length),
      cmocka_unit_test(test_m8_ipv6_at_every_length),
      cmocka_unit_test(test_m6_extension_headers_at_every_length),
      cmocka_unit_test(test_damaged_headers),
      cmocka_unit_test(test_m6_64_kib_of_headers_are_one_pass),
      cmocka_unit_test(test_m6_jumbogram_of_headers),
  };
  return cmocka_run_group_tests(tests, make_guard, free_guard);
}

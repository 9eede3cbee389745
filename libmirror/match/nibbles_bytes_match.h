/*
 * The kernel over planes, a template: before it is included, vec and the operations on it are
 * defined.
 *
 *   LANES                     packets in a vector, an octet each
 *   load_key(key, key16)      16 octets of each of two keys, key16 that of the packet 16 further
 * (for vectors of 32 octets), one in each 128-bit part low_pairs, high_pairs     octets of two
 * vectors interleaved, within 128-bit parts entries(table)            a table of 16 entries, in
 * each 128-bit part look_up(entries, nibbles) both, least, add (saturating), all(value), either
 *   low_nibbles, high_nibbles of each octet
 *   equal                     0xff where it holds, else 0
 *   in_range(low, high, first, span)  the same for the 16-bit numbers of which two vectors have the
 *                             octets: first <= number <= first + span
 *   any(vec)                  some octet is not 0
 *   store(first, vec)         octets as 32-bit numbers; 255 becomes MRI_NO_RULE
 */
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 40")

enum { OCTETS4 = 16, OCTETS6 = 40, NONE = 255, PLANES_BETWEEN_LOOKS = 4 };

/* 16 octets at `offset` of all keys, transposed: octet[i] has octet i of every packet. */
INLINE void transpose(const void *const *keys, uint32_t offset, vec octet[16]) {
  vec a[16], b[16];
  UNROLL
  for (unsigned i = 0; i < 16; i++)
    a[i] = load_key((const uint8_t *)keys[i] + offset,
                    (const uint8_t *)keys[LANES == 32 ? i + 16 : i] + offset);
#define ROUND(from, to)                               \
  UNROLL                                              \
  for (unsigned i = 0; i < 8; i++) {                  \
    to[2 * i] = low_pairs(from[i], from[i + 8]);      \
    to[2 * i + 1] = high_pairs(from[i], from[i + 8]); \
  }
  ROUND(a, b)
  ROUND(b, a)
  ROUND(a, b)
  ROUND(b, octet)
#undef ROUND
}

/* A batch's keys, an octet or nibble of all packets in each vector. */
struct columns {
  vec octet[OCTETS6];
  vec nibble[2 * OCTETS6]; /* low, high */
};

INLINE void read_columns(struct columns *columns, const void *const *keys, const uint32_t octets) {
  transpose(keys, 0, columns->octet);
  if (octets == OCTETS6) {
    transpose(keys, 24, columns->octet + 24); /* ends with the key: overlaps the next */
    transpose(keys, 16, columns->octet + 16);
  }
  UNROLL
  for (uint32_t i = 0; i < octets; i++) {
    if (i == 2 || i == 3) continue; /* reserved */
    columns->nibble[2 * i] = low_nibbles(columns->octet[i]);
    columns->nibble[2 * i + 1] = high_nibbles(columns->octet[i]);
  }
}

INLINE vec in_ranges(const struct mri_plane *plane, const struct columns *columns,
                     const uint32_t octets, vec set) {
  const struct mri_byte_range *range = plane->range;
  for (unsigned port = 0; port < MRI_PORTS; port++) {
    if (!plane->ranges[port]) continue;
    const vec *octet = columns->octet + octets - 4 + 2 * port;
    vec inside = all(plane->free[port]);
    for (uint32_t i = 0; i < plane->ranges[port]; i++, range++)
      inside = either(
          inside, both(in_range(octet[1], octet[0], range->first, range->span), all(range->rules)));
    set = both(set, inside);
  }
  return set;
}

INLINE vec look_up_octet(const mri_byte_table *tables, const vec *nibble) {
  return both(look_up(entries(tables[0]), nibble[0]), look_up(entries(tables[1]), nibble[1]));
}

/* The rules of a plane that match. */
INLINE vec look_up_plane(const struct mri_plane *plane, const struct columns *columns,
                         const uint32_t octets, bool absent) {
  const mri_byte_table *tables = plane->tables;
  vec set = all(plane->rules);
  UNROLL
  for (uint32_t half = 0; half < octets / 2; half++) {
    const vec *nibble = columns->nibble + 4 * half;
    if (half == 1 || !(plane->live >> half & 1)) continue; /* 1: reserved octets */
    vec agree = look_up_octet(tables, nibble);
    if (half) agree = both(agree, look_up_octet(tables + 2, nibble + 2));
    set = both(set, agree);
    tables += half ? 4 : 2;
  }
  set = in_ranges(plane, columns, octets, set);
  if (absent) set = both(set, look_up(entries(plane->absent), columns->nibble[2]));
  return set;
}

/* Number of the lowest bit in each octet, 255 if it is 0. */
INLINE vec lowest(vec set) {
  static const uint8_t of_low[16] = {NONE, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0};
  static const uint8_t of_high[16] = {NONE, 4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4};
  return least(look_up(entries(of_low), low_nibbles(set)),
               look_up(entries(of_high), high_nibbles(set)));
}

INLINE void match_vector(const struct mri_planes *planes, const void *const *keys,
                         const uint32_t octets, uint32_t *first) {
  struct columns columns;
  read_columns(&columns, keys, octets);
  const bool absent = any(both(columns.octet[1], all(MRI_ABSENT_VALUES - 1)));
  vec found = all(NONE);
  for (uint32_t p = 0; p < planes->count; p++) {
    const vec set = look_up_plane(&planes->plane[p], &columns, octets, absent);
    found = least(found, add(lowest(set), all((uint8_t)(p * MRI_PLANE_RULES))));
    if (p % PLANES_BETWEEN_LOOKS == PLANES_BETWEEN_LOOKS - 1 && !any(equal(found, all(NONE))))
      break;
  }
  store(first, found);
}

static void match4(const void *planes, const void *const *keys, uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i += LANES)
    match_vector(planes, keys + i, OCTETS4, first + i);
}

static void match6(const void *planes, const void *const *keys, uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i += LANES)
    match_vector(planes, keys + i, OCTETS6, first + i);
}

#include "match/list.h"

#include "match/scan.h"

struct mri_list {
  struct mri_scan_ipv4 *ipv4;
  struct mri_scan_ipv6 *ipv6;
  uint32_t ipv4_count;
  uint32_t ipv6_count;
};

static uint32_t count_ipv4(const struct mri_match_rule *rules, uint32_t count) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < count; i++)
    found += rules[i].family == 4;
  return found;
}

/* Both arrays zeroed and with room for their family's rules, none in them yet. */
static struct mri_list *make_list(const struct mri_alloc *alloc, uint32_t ipv4, uint32_t ipv6) {
  struct mri_list *list = mri_zalloc(alloc, 1, sizeof *list);
  if (!list) return NULL;
  list->ipv4 = mri_zalloc(alloc, ipv4, sizeof list->ipv4[0]);
  list->ipv6 = mri_zalloc(alloc, ipv6, sizeof list->ipv6[0]);
  if (list->ipv4 && list->ipv6) return list;
  mri_list_destroy(alloc, list);
  return NULL;
}

int32_t mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                         uint32_t count, struct mri_list **list) {
  const uint32_t ipv4 = count_ipv4(rules, count);
  struct mri_list *compiled = make_list(alloc, ipv4, count - ipv4);
  if (!compiled) return MIRROR_E_NOMEM;
  for (uint32_t i = 0; i < count; i++) {
    if (rules[i].family == 4) {
      mri_scan_ipv4_compile(&compiled->ipv4[compiled->ipv4_count++], &rules[i], i);
    } else {
      mri_scan_ipv6_compile(&compiled->ipv6[compiled->ipv6_count++], &rules[i], i);
    }
  }
  *list = compiled;
  return MIRROR_OK;
}

void mri_list_destroy(const struct mri_alloc *alloc, struct mri_list *list) {
  if (!list) return;
  mri_free(alloc, list->ipv4);
  mri_free(alloc, list->ipv6);
  mri_free(alloc, list);
}

uint32_t mri_list_match(const struct mri_list *list, const mirror_key *key) {
  switch (key->family) {
    case 4:
      return mri_scan_ipv4(list->ipv4, list->ipv4_count, key);
    case 6:
      return mri_scan_ipv6(list->ipv6, list->ipv6_count, key);
    default:
      return MRI_NO_RULE;
  }
}

void mri_list_match_batch(const struct mri_list *list, const mirror_key *keys, uint64_t stride,
                          uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i++) {
    const void *key = (const uint8_t *)keys + i * stride;
    first[i] = mri_list_match(list, key);
  }
}

uint64_t mri_list_memory(const struct mri_list *list) {
  return sizeof *list + (uint64_t)list->ipv4_count * sizeof list->ipv4[0] +
         (uint64_t)list->ipv6_count * sizeof list->ipv6[0];
}

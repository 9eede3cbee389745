/*
 * libmirror/engine.h - the match engine by itself: prepared keys, instruction sets, and what the
 * rule lists of a plan were compiled into.
 *
 * All enabled sessions of a source are one list per direction, in the order of the walk (spec M1);
 * equal lists are compiled once. Every structure and instruction set gives the answers of the
 * scalar scan.
 *
 * Thread rule: any thread, and any number of threads on one plan.
 */
#ifndef LIBMIRROR_ENGINE_H
#define LIBMIRROR_ENGINE_H

#include <libmirror/match.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Instruction sets. */
#define MIRROR_ISA_AUTO 0u   /* the widest that the machine has and that passes its self-check */
#define MIRROR_ISA_SCALAR 1u /* C without vectors; on every machine */
#define MIRROR_ISA_NEON 2u   /* AArch64 */
#define MIRROR_ISA_AVX2 3u   /* x86-64 with AVX2, BMI1, BMI2 and LZCNT */
#define MIRROR_ISA_AVX512 4u /* the same and AVX-512 F, BW, CD, DQ and VL */

/* Returns-borrowed: "scalar", "avx512" ...; never NULL. Any thread. */
MIRROR_API const char *mirror_isa_name(uint32_t isa);

/*
 * MIRROR_OK if lists can be compiled for `isa` here: the library has it, the machine has it, and
 * it agrees with the scalar scan on the vectors of its self-check. Any thread.
 * Errors: MIRROR_E_UNSUPPORTED, MIRROR_E_ARGUMENT (no such instruction set), MIRROR_E_NOMEM.
 */
MIRROR_API int32_t mirror_isa_check(uint32_t isa);

/*
 * What contexts that are created from now on in this process compile for, unless their options name
 * an instruction set. Any thread. Errors: as mirror_isa_check; nothing is changed then.
 */
MIRROR_API int32_t mirror_isa_force(uint32_t isa);

/* What a context compiles for; never AUTO. Any thread. Errors: MIRROR_E_ARGUMENT. */
MIRROR_API int32_t mirror_context_isa(const mirror_context *context, uint32_t *isa);

/* Structures of compiled lists. */
#define MIRROR_STRUCTURE_NONE 0u    /* no rules of this family */
#define MIRROR_STRUCTURE_SCAN 1u    /* every rule in order */
#define MIRROR_STRUCTURE_NIBBLES 2u /* bit vectors by half octets of the key */
#define MIRROR_STRUCTURE_FOREST 3u  /* trees of specific rules, bit vectors for the others */

/* Returns-borrowed: "none", "scan" ...; never NULL. Any thread. */
MIRROR_API const char *mirror_structure_name(uint32_t structure);

/* The compiled list of one source and direction. */
typedef struct mirror_list_info {
  uint32_t size;
  uint32_t isa;            /* MIRROR_ISA_ */
  uint32_t structure_ipv4; /* MIRROR_STRUCTURE_ */
  uint32_t structure_ipv6;
  uint32_t rules_ipv4;
  uint32_t rules_ipv6;
  uint32_t shadowed; /* of these: rules that an earlier one hides wholly, left out */
  uint32_t slower;   /* 1: a faster structure did not fit into list_memory, else 0 */
  uint64_t memory;   /* octets */
  int64_t build_ns;  /* time that compiling took */
} mirror_list_info;

MIRROR_API void mirror_list_info_init(mirror_list_info *info, uint32_t size);

/*
 * The list that packets of a source meet. `source` is a mirror_source_handle, `direction`
 * MIRROR_INGRESS or MIRROR_EGRESS. Any thread.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_UNKNOWN_SOURCE, MIRROR_E_STRUCT_SIZE.
 */
MIRROR_API int32_t mirror_plan_list_info(const mirror_plan *plan, uint32_t source,
                                         uint32_t direction, mirror_list_info *info);

/* The value for "no rule matches". */
#define MIRROR_NO_RULE UINT32_MAX

/*
 * Classifies `count` prepared keys: first[i] becomes the index, in the order of the walk over all
 * enabled sessions of the source, of the first rule that matches keys[i], or MIRROR_NO_RULE.
 * Borrows keys, of any alignment. The rules of sessions alone: no security group, no recognition of
 * own copies. Batches of 256 and more are fastest. Allocates nothing, takes no lock. Any thread.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_UNKNOWN_SOURCE.
 */
MIRROR_API int32_t mirror_plan_match_keys4(const mirror_plan *plan, uint32_t source,
                                           uint32_t direction, const mirror_key4 *const *keys,
                                           uint32_t count, uint32_t *first);
MIRROR_API int32_t mirror_plan_match_keys6(const mirror_plan *plan, uint32_t source,
                                           uint32_t direction, const mirror_key6 *const *keys,
                                           uint32_t count, uint32_t *first);

/*
 * The same for packets: reads each packet's 5-tuple and classifies it, reading ahead in memory.
 * `source` and `direction` are those of all; what the packets name is not looked at. An unparsable
 * packet matches no rule. Errors: as above.
 */
MIRROR_API int32_t mirror_plan_match_packets(const mirror_plan *plan, uint32_t source,
                                             uint32_t direction, const mirror_packet *packets,
                                             uint32_t count, uint32_t *first);

/*
 * What such an index stands for: fills in `verdict` (mirrored or rejected; for MIRROR_NO_RULE
 * unmatched), session, rule, target and VNI; its inner_length and segments are 0. Strings are
 * borrowed from the plan. Any thread. Errors: MIRROR_E_ARGUMENT, MIRROR_E_UNKNOWN_SOURCE,
 * MIRROR_E_NOT_FOUND (index behind the last rule).
 */
MIRROR_API int32_t mirror_plan_rule_verdict(const mirror_plan *plan, uint32_t source,
                                            uint32_t direction, uint32_t index,
                                            mirror_verdict *verdict);

#ifdef __cplusplus
}
#endif

#endif

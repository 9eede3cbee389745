/*
 * The instruction set that a test runs under: the one that the environment variable MIRROR_TEST_ISA
 * names, else the best. Every context of the test compiles its lists for it.
 */
#ifndef TESTS_SUPPORT_ISA_H
#define TESTS_SUPPORT_ISA_H

#include "match/list.h"

uint32_t test_isa(void);

/* Options that make lists of any length this structure (NONE: by size). */
struct mri_list_options test_list_options(uint32_t structure);

#endif

/*
 * bench_change [--isa NAME] FILE...
 *
 * What a change costs: for each rule list, the time from the call of commit until the changed rule
 * is live; with the last of the lists, what a packet thread notices of 1000 commits; and one rule
 * changed under 20,000 sessions that share 20 filters.
 */
#include <getopt.h>
#include <stdlib.h>

#include "bench/change.h"
#include "bench/measure.h"

#include <libmirror/engine.h>

int main(int argc, char **argv) {
  static const struct option options[] = {{"isa", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
  uint32_t isa = MIRROR_ISA_AUTO;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option != 'i') bench_fail("usage: bench_change [--isa NAME] FILE...");
    isa = bench_isa(optarg);
  }
  if (optind == argc) bench_fail("usage: bench_change [--isa NAME] FILE...");
  for (int i = optind; i < argc; i++)
    change_list(argv[i], isa);
  change_under_traffic(argv[argc - 1], isa);
  change_shared_filter(isa);
  return 0;
}

#include "arguments.h"

#include "status.h"

#include <errno.h>
#include <getopt.h>
#include <libmirror/libmirror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "Usage: mirror-pcap --config FILE --source ID --direction ingress|egress|auto\n"
    "                   [--verdicts FILE] [--explain N] IN OUT\n"
    "\n"
    "Mirrors the packets of the capture IN as the sessions of the configuration say, and\n"
    "writes the VXLAN copies to OUT, a pcap file. \"-\" is standard input or output.\n"
    "\n"
    "  -c, --config FILE     the configuration (JSON)\n"
    "  -s, --source ID       the source that the packets belong to\n"
    "  -d, --direction DIR   ingress: the source received them; egress: it sent them;\n"
    "                        auto: tell by the source's MAC address\n"
    "  -v, --verdicts FILE   write a tab-separated table with a row for each packet\n"
    "  -e, --explain N       print why packet N (from 1) got its verdict\n"
    "  -h, --help            print this and exit\n"
    "  -V, --version         print the version and exit\n"
    "\n"
    "Exit status: 0 done; 1 the input is damaged or cut, everything before that is done;\n"
    "2 bad arguments; 3 bad configuration; 4 a file cannot be opened, read or written;\n"
    "130 interrupted.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},    {"source", required_argument, NULL, 's'},
    {"direction", required_argument, NULL, 'd'}, {"verdicts", required_argument, NULL, 'v'},
    {"explain", required_argument, NULL, 'e'},   {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0},
};

static bool is_stream(const char *path) {
  return path && strcmp(path, "-") == 0;
}

static bool read_direction(const char *text, uint32_t *direction) {
  static const struct {
    const char *name;
    uint32_t direction;
  } names[] = {{"ingress", MIRROR_INGRESS}, {"egress", MIRROR_EGRESS}, {"auto", MIRROR_AUTO}};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcasecmp(text, names[i].name) == 0) {
      *direction = names[i].direction;
      return true;
    }
  }
  complain(STATUS_USAGE, "--direction: expected ingress, egress or auto, found '%s'", text);
  return false;
}

static bool read_packet_number(const char *text, uint64_t *number) {
  char *end;

  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno || value == 0) {
    complain(STATUS_USAGE, "--explain: expected the number of a packet, from 1, found '%s'", text);
    return false;
  }
  *number = value;
  return true;
}

/* Takes one option; false if its value is wrong or the option unknown. */
static bool take_option(struct arguments *arguments, int letter) {
  switch (letter) {
    case 'c':
      arguments->config = optarg;
      return true;
    case 's':
      arguments->source = optarg;
      return true;
    case 'd':
      return read_direction(optarg, &arguments->direction);
    case 'v':
      arguments->verdicts = optarg;
      return true;
    case 'e':
      return read_packet_number(optarg, &arguments->explain);
    default: /* getopt_long has said what is wrong */
      return false;
  }
}

static bool has_all(const struct arguments *arguments) {
  const char *missing = !arguments->config      ? "--config FILE"
                        : !arguments->source    ? "--source ID"
                        : !arguments->direction ? "--direction ingress|egress|auto"
                        : !arguments->input     ? "IN, the capture to read"
                        : !arguments->output    ? "OUT, the file to write"
                                                : NULL;

  if (missing) complain(STATUS_USAGE, "missing: %s", missing);
  return !missing;
}

static bool find_file(const char *path, int standard_stream, struct stat *file) {
  int failed = is_stream(path) ? fstat(standard_stream, file) : stat(path, file);
  return !failed && S_ISREG(file->st_mode);
}

/* True if writing to `output` would destroy `other`, which is read or written as well. */
static bool collide(const char *output, const char *other, int other_stream) {
  struct stat a, b;

  if (!output || !other) return false;
  if (other_stream == STDOUT_FILENO && is_stream(output) && is_stream(other)) return true;
  return find_file(output, STDOUT_FILENO, &a) && find_file(other, other_stream, &b) &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool arguments_are_distinct(const struct arguments *arguments) {
  const struct {
    const char *output, *output_name;
    const char *other, *other_name;
    int other_stream;
  } pairs[] = {
      {arguments->output, "OUT", arguments->input, "IN", STDIN_FILENO},
      {arguments->output, "OUT", arguments->config, "the configuration", STDIN_FILENO},
      {arguments->verdicts, "the verdict table", arguments->input, "IN", STDIN_FILENO},
      {arguments->verdicts, "the verdict table", arguments->config, "the configuration",
       STDIN_FILENO},
      {arguments->verdicts, "the verdict table", arguments->output, "OUT", STDOUT_FILENO},
  };

  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if (collide(pairs[i].output, pairs[i].other, pairs[i].other_stream)) {
      complain(STATUS_USAGE, "%s and %s are the same file: '%s'", pairs[i].output_name,
               pairs[i].other_name, pairs[i].output);
      return false;
    }
  }
  return true;
}

static bool may_write(const struct arguments *arguments) {
  bool terminal = is_stream(arguments->output) && isatty(STDOUT_FILENO);

  if (terminal)
    complain(STATUS_USAGE, "OUT is '-', but standard output is a terminal: redirect it");
  return !terminal && arguments_are_distinct(arguments);
}

/* Operands behind the options. */
static bool take_operands(struct arguments *arguments, int count, char **operands) {
  if (count > 2) {
    complain(STATUS_USAGE, "expected IN and OUT, found one more: '%s'", operands[2]);
    return false;
  }
  arguments->input = operands[0];
  arguments->output = count > 1 ? operands[1] : NULL;
  return true;
}

bool arguments_read(struct arguments *arguments, int argc, char **argv, int *status) {
  int letter;
  bool good = true;

  memset(arguments, 0, sizeof *arguments);
  while (good && (letter = getopt_long(argc, argv, "c:s:d:v:e:hV", options, NULL)) != -1) {
    if (letter == 'h' || letter == 'V') {
      if (letter == 'h')
        fputs(usage, stdout);
      else
        printf("mirror-pcap %s\n", mirror_version_text());
      *status = fflush(stdout) ? STATUS_IO : STATUS_DONE;
      return false;
    }
    good = take_option(arguments, letter);
  }
  good = good && take_operands(arguments, argc - optind, argv + optind) && has_all(arguments);
  if (!good) fputs("Try 'mirror-pcap --help'.\n", stderr);
  *status = STATUS_USAGE;
  return good && may_write(arguments);
}

bool arguments_use_stdout(const struct arguments *arguments) {
  return is_stream(arguments->output) || is_stream(arguments->verdicts);
}

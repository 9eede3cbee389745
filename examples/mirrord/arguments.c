#include "arguments.h"

#include "log.h"

#include <errno.h>
#include <getopt.h>
#include <libmirror/libmirror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET "/run/mirrord/mirrord.sock"
#define WORKERS_MOST 64
#define FRAGMENTS_MOST (1u << 20)
#define CPU_MOST 65535

static const char usage[] =
    "Usage: mirrord --config FILE [OPTION...]\n"
    "       mirrord --check --config FILE\n"
    "       mirrord --once[=json] [--socket PATH]\n"
    "       mirrord --top [--socket PATH]\n"
    "\n"
    "Mirrors the interfaces of the configuration's sources, as its sessions say.\n"
    "SIGHUP reads the configuration again, SIGTERM ends.\n"
    "\n"
    "  -c, --config FILE        the configuration (JSON)\n"
    "  -i, --input SOURCE=URI   where the packets of a source come from; default: afpacket:\n"
    "                           and the source's interface. Again for other sources\n"
    "  -o, --output URI         where copies go; default: udp:\n"
    "  -w, --workers N          threads for each source, which share its flows; default 1\n"
    "      --cpus LIST          CPUs that threads run on, in turn, such as 1,3 or 0-3\n"
    "  -f, --fragments N        datagrams whose fragments are tracked, in each thread;\n"
    "                           default 0: later fragments match by addresses alone\n"
    "  -u, --user NAME          whom to become when everything is open; default for root:\n"
    "                           nobody\n"
    "  -s, --socket PATH        the status socket; default " SOCKET
    ";\n"
    "                           \"\" = none\n"
    "  -m, --metrics [ADDR:]PORT  answer Prometheus there; default: not; ADDR: 127.0.0.1\n"
    "      --check              read the configuration, print what is wrong with it or what\n"
    "                           it says, and exit\n"
    "      --once[=text|json]   print the status of the mirrord that runs, and exit\n"
    "      --top                show that status, renewed each second; q quits\n"
    "  -h, --help               print this and exit\n"
    "  -V, --version            print the version and exit\n"
    "\n"
    "Exit status: 0 done; 1 bad configuration; 2 bad arguments; 3 something cannot be\n"
    "opened, read or written.\n";

enum { OPTION_CPUS = 256, OPTION_CHECK, OPTION_ONCE, OPTION_TOP };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"input", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'},
    {"workers", required_argument, NULL, 'w'},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"fragments", required_argument, NULL, 'f'},
    {"user", required_argument, NULL, 'u'},
    {"socket", required_argument, NULL, 's'},
    {"metrics", required_argument, NULL, 'm'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"once", optional_argument, NULL, OPTION_ONCE},
    {"top", no_argument, NULL, OPTION_TOP},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* The digits at *text as a number up to `most`; moves behind them. */
static bool take_number(const char **text, uint32_t most, uint32_t *number) {
  char *end;

  if (**text < '0' || **text > '9') return false;
  errno = 0;
  unsigned long value = strtoul(*text, &end, 10);
  if (errno || value > most) return false;
  *text = end;
  *number = (uint32_t)value;
  return true;
}

static bool read_number(const char *option, uint32_t least, uint32_t most, uint32_t *number) {
  const char *text = optarg;

  if (take_number(&text, most, number) && !*text && *number >= least) return true;
  complain(STATUS_USAGE, "%s: expected %u-%u, found '%s'", option, least, most, optarg);
  return false;
}

static bool out_of_memory(void) {
  complain(STATUS_FAILED, "out of memory");
  return false;
}

/* An id may contain '=': the one before "name:" counts. */
static const char *find_equals(const char *text) {
  static const char scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

  for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '=')) {
    size_t length = strspn(at + 1, scheme);
    if (at > text && length && at[1 + length] == ':') return at;
  }
  return NULL;
}

static bool add_input(struct arguments *arguments) {
  const char *equals = find_equals(optarg);

  if (!equals) {
    complain(STATUS_USAGE, "--input: expected SOURCE=URI such as eni-1=afpacket:eth0, found '%s'",
             optarg);
    return false;
  }
  char *source = strndup(optarg, (size_t)(equals - optarg));
  struct input_choice *grown =
      realloc(arguments->inputs, (arguments->input_count + 1) * sizeof *grown);
  if (grown) arguments->inputs = grown;
  if (!grown || !source) {
    free(source);
    return out_of_memory();
  }
  if (arguments_input(arguments, source)) {
    complain(STATUS_USAGE, "--input: source '%s' is given twice", source);
    free(source);
    return false;
  }
  grown[arguments->input_count++] = (struct input_choice){source, equals + 1};
  return true;
}

static bool add_cpus(struct arguments *arguments, uint32_t first, uint32_t last) {
  size_t more = (size_t)last - first + 1;
  uint32_t *grown = realloc(arguments->cpus, (arguments->cpu_count + more) * sizeof *grown);

  if (!grown) return out_of_memory();
  arguments->cpus = grown;
  for (uint32_t cpu = first; cpu <= last; cpu++)
    grown[arguments->cpu_count++] = cpu;
  return true;
}

/* "1,3" or "0-3" or a mixture. */
static bool read_cpus(struct arguments *arguments) {
  const char *text = optarg;
  uint32_t first = 0, last;

  do {
    bool good = take_number(&text, CPU_MOST, &first);
    last = first;
    if (good && *text == '-') {
      text++;
      good = take_number(&text, CPU_MOST, &last) && last >= first;
    }
    if (!good || (*text && *text != ',')) {
      complain(STATUS_USAGE, "--cpus: expected a list such as 1,3 or 0-3, found '%s'", optarg);
      return false;
    }
    if (!add_cpus(arguments, first, last)) return false;
  } while (*text++);
  return true;
}

static bool set_mode(struct arguments *arguments, enum mode mode) {
  if (arguments->mode != MODE_RUN && arguments->mode != mode) {
    complain(STATUS_USAGE, "expected one of --check, --once and --top");
    return false;
  }
  arguments->mode = mode;
  return true;
}

static bool read_once(struct arguments *arguments) {
  arguments->json = optarg && strcmp(optarg, "json") == 0;
  if (optarg && !arguments->json && strcmp(optarg, "text") != 0) {
    complain(STATUS_USAGE, "--once: expected text or json, found '%s'", optarg);
    return false;
  }
  return set_mode(arguments, MODE_ONCE);
}

static bool take_option(struct arguments *arguments, int letter) {
  switch (letter) {
    case 'c':
      arguments->config = optarg;
      return true;
    case 'i':
      return add_input(arguments);
    case 'o':
      arguments->output = optarg;
      return true;
    case 'w':
      return read_number("--workers", 1, WORKERS_MOST, &arguments->workers);
    case OPTION_CPUS:
      return read_cpus(arguments);
    case 'f':
      return read_number("--fragments", 0, FRAGMENTS_MOST, &arguments->fragments);
    case 'u':
      arguments->user = optarg;
      return true;
    case 's':
      arguments->socket = optarg;
      arguments->socket_given = true;
      return true;
    case 'm':
      arguments->metrics = optarg;
      return true;
    case OPTION_CHECK:
      return set_mode(arguments, MODE_CHECK);
    case OPTION_ONCE:
      return read_once(arguments);
    case OPTION_TOP:
      return set_mode(arguments, MODE_TOP);
    default: /* getopt_long has said what is wrong */
      return false;
  }
}

/* "--once json" is read as "--once=json". */
static bool take_operands(struct arguments *arguments, int count, char **operands) {
  if (count == 1 && arguments->mode == MODE_ONCE && !arguments->json) {
    optarg = operands[0];
    return read_once(arguments);
  }
  if (count) complain(STATUS_USAGE, "expected options only, found '%s'", operands[0]);
  return count == 0;
}

static bool has_all(const struct arguments *arguments) {
  if (arguments->config || arguments->mode == MODE_ONCE || arguments->mode == MODE_TOP) return true;
  complain(STATUS_USAGE, "missing: --config FILE");
  return false;
}

static int print_and_exit(int letter) {
  if (letter == 'h')
    fputs(usage, stdout);
  else
    printf("mirrord %s\n", mirror_version_text());
  return fflush(stdout) ? STATUS_FAILED : STATUS_DONE;
}

bool arguments_read(struct arguments *arguments, int argc, char **argv, int *status) {
  int letter;
  bool good = true;

  *arguments = (struct arguments){.output = "udp:", .workers = 1, .socket = SOCKET};
  while (good && (letter = getopt_long(argc, argv, "c:i:o:w:f:u:s:m:hV", options, NULL)) != -1) {
    if (letter == 'h' || letter == 'V') {
      *status = print_and_exit(letter);
      return false;
    }
    good = take_option(arguments, letter);
  }
  good = good && take_operands(arguments, argc - optind, argv + optind) && has_all(arguments);
  if (!good) fputs("Try 'mirrord --help'.\n", stderr);
  *status = STATUS_USAGE;
  return good;
}

void arguments_release(struct arguments *arguments) {
  for (size_t i = 0; i < arguments->input_count; i++)
    free(arguments->inputs[i].source);
  free(arguments->inputs);
  free(arguments->cpus);
}

const char *arguments_input(const struct arguments *arguments, const char *source) {
  for (size_t i = 0; i < arguments->input_count; i++) {
    if (strcmp(arguments->inputs[i].source, source) == 0) return arguments->inputs[i].uri;
  }
  return NULL;
}

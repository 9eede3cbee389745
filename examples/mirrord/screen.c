/* --top: the status on a terminal, renewed each second; on anything else, one after the other. */
#include "client.h"
#include "log.h"
#include "report.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { SECOND_MS = 1000, CONTROL_C = 3, CONTROL_D = 4 };

static volatile sig_atomic_t ended;
static struct termios before_us;

/* ---- the terminal ---- */

static void on_end(int number) {
  (void)number;
  ended = 1;
}

static void on_resize(int number) {
  (void)number; /* ends the wait */
}

static void catch_signals(void) {
  struct sigaction end = {.sa_handler = on_end}, resize = {.sa_handler = on_resize};

  sigaction(SIGINT, &end, NULL);
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGHUP, &end, NULL);
  sigaction(SIGPIPE, &end, NULL);
  sigaction(SIGWINCH, &resize, NULL);
}

static void put(const char *text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0) ended = 1;
}

/* Another page, no cursor, keys at once; Ctrl-C and Ctrl-Z are keys. */
static bool take_terminal(void) {
  if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before_us) < 0)
    return false;
  struct termios keys = before_us;
  keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
  tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  put("\033[?1049h\033[?25l");
  return true;
}

static void give_terminal_back(void) {
  put("\033[?25h\033[?1049l");
  tcsetattr(STDIN_FILENO, TCSANOW, &before_us);
}

/* True if the user has had enough. Waits until then, the end of the second, or a new size. */
static bool wait_for_key(bool terminal) {
  struct pollfd keys = {.fd = terminal ? STDIN_FILENO : -1, .events = POLLIN};
  char key = 0;

  if (poll(&keys, 1, SECOND_MS) != 1) return ended;
  if (read(STDIN_FILENO, &key, 1) <= 0) return true;
  return key == 'q' || key == CONTROL_C || key == CONTROL_D;
}

/* ---- the picture ---- */

/* As many columns of a line as there are. Continuation octets of UTF-8 take none. */
static size_t cut(const char *line, size_t length, unsigned columns) {
  size_t octets = 0;

  for (; octets < length; octets++) {
    bool starts = ((unsigned char)line[octets] & 0xc0) != 0x80;
    if (starts && columns-- == 0) break;
  }
  return octets;
}

/* A terminal acts on control characters: none of ours are in the text. */
static void print_line(FILE *out, const char *line, size_t length) {
  for (size_t i = 0; i < length; i++)
    putc((unsigned char)line[i] < ' ' || line[i] == 127 ? '?' : line[i], out);
}

static void draw(const char *text) {
  struct winsize size = {.ws_row = 24, .ws_col = 80};

  ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
  fputs("\033[H", stdout);
  for (unsigned row = 0; *text && row < size.ws_row; row++) {
    size_t length = strcspn(text, "\n");
    print_line(stdout, text, cut(text, length, size.ws_col));
    fputs(row + 1u < size.ws_row ? "\033[K\n" : "\033[K", stdout);
    text += length + (text[length] == '\n');
  }
  fputs("\033[J", stdout);
}

static void show(const json_t *now, const json_t *before, bool terminal) {
  char *text = NULL;
  size_t length;
  FILE *page = terminal ? open_memstream(&text, &length) : NULL;

  report_print(page ? page : stdout, now, before);
  if (page && fclose(page) == 0) draw(text);
  free(text);
  if (!terminal) putchar('\n');
  if (fflush(stdout)) ended = 1;
}

int client_top(const struct arguments *arguments) {
  char problem[PROBLEM];
  json_t *before = NULL, *now = client_fetch(arguments->socket, problem);

  if (!now) return complain(STATUS_FAILED, "%s", problem);
  catch_signals();
  bool terminal = take_terminal();
  do {
    show(now, before, terminal);
    if (wait_for_key(terminal)) break;
    json_decref(before);
    before = now;
    now = client_fetch(arguments->socket, problem);
  } while (now && !ended);
  if (terminal) give_terminal_back();
  json_decref(before);
  json_decref(now);
  return now ? STATUS_DONE : complain(STATUS_FAILED, "%s", problem);
}

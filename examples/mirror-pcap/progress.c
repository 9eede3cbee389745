#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 500000000 /* before the bar shows */
#define REFRESH_NS 100000000
#define BAR 40

static int64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_start(struct progress *progress, mirror_input *input) {
  memset(progress, 0, sizeof *progress);
  progress->input = input;
  progress->enabled = isatty(STDERR_FILENO);
  progress->started_ns = now_ns();
  progress->next_ns = progress->started_ns + PATIENCE_NS;
}

static void draw_bar(const struct progress *progress, uint64_t done, uint64_t total,
                     double seconds) {
  static const char full[BAR + 1] = "########################################";
  double part = done < total ? (double)done / (double)total : 1.0;
  int filled = (int)(part * BAR);

  fprintf(stderr, "\r[%.*s%*s] %3.0f %%  %" PRIu64 " packets  %.0f MB/s\033[K", filled, full,
          BAR - filled, "", part * 100, progress->packets, (double)done / seconds / 1e6);
}

static void draw(struct progress *progress, int64_t now) {
  uint64_t done, total;
  double seconds = (double)(now - progress->started_ns) / 1e9;

  if (mirror_input_progress(progress->input, &done, &total) == MIRROR_OK && total > 0)
    draw_bar(progress, done, total, seconds);
  else
    fprintf(stderr, "\r%" PRIu64 " packets in %.0f s\033[K", progress->packets, seconds);
  fflush(stderr);
  progress->drawn = true;
}

void progress_advance(struct progress *progress, uint32_t packets) {
  progress->packets += packets;
  if (!progress->enabled) return;
  int64_t now = now_ns();
  if (now < progress->next_ns) return;
  progress->next_ns = now + REFRESH_NS;
  draw(progress, now);
}

void progress_end(struct progress *progress) {
  if (progress->drawn) fputs("\r\033[K", stderr);
}

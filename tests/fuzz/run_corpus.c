/*
 * A harness as a regression test: `fuzz_NAME FILE-OR-FOLDER...` runs each input once, in memory of
 * its very size, and says which and how many there were. None is a failure: the corpus is missing.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned long inputs;

static _Noreturn void give_up(const char *path) {
  perror(path);
  exit(2);
}

static void run_file(const char *path, size_t length) {
  FILE *file = fopen(path, "rb");
  uint8_t *octets = malloc(length ? length : 1);
  if (!file || !octets || fread(octets, 1, length, file) != length) give_up(path);
  fclose(file);
  fprintf(stderr, "%s\n", path); /* the last one is the one that fails */
  LLVMFuzzerTestOneInput(octets, length);
  free(octets);
  inputs++;
}

static void run_path(const char *path);

static void run_folder(const char *path) {
  char inside[PATH_MAX];
  DIR *folder = opendir(path);
  if (!folder) give_up(path);
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    if ((size_t)snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name) < sizeof inside)
      run_path(inside);
  }
  closedir(folder);
}

static void run_path(const char *path) {
  struct stat about;
  if (stat(path, &about) != 0) give_up(path);
  if (S_ISDIR(about.st_mode))
    run_folder(path);
  else
    run_file(path, (size_t)about.st_size);
}

int main(int count, char **paths) {
  for (int i = 1; i < count; i++)
    run_path(paths[i]);
  printf("%lu inputs\n", inputs);
  return inputs ? 0 : 1;
}

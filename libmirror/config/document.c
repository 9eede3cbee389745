/* JSON text to nodes: jansson reads it, and a second pass over the valid text finds the places. */
#include "config/document.h"

#include "core/report.h"
#include "core/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The second pass. The text is known to be JSON, with these values: the pass walks along both. */
struct scan {
  struct mri_document *document;
  const char *text;
  const char *end;
  struct mri_place here;
};

/* The later octets of a character are no columns of their own. */
static void advance(struct scan *scan) {
  unsigned char octet = (unsigned char)*scan->text++;
  if (octet == '\n')
    scan->here = (struct mri_place){scan->here.line + 1, 1};
  else if ((octet & 0xc0) != 0x80)
    scan->here.column++;
}

static void skip_between(struct scan *scan) {
  while (scan->text < scan->end && memchr(" \t\r\n,:", *scan->text, 6))
    advance(scan);
}

static uint32_t read_hexadecimal(const char **text) {
  char digits[5] = "";
  memcpy(digits, *text, 4);
  *text += 4;
  return (uint32_t)strtoul(digits, NULL, 16);
}

/* The character that an escape stands for; *text is behind its backslash. */
static uint32_t read_escape(const char **text) {
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char letter = *(*text)++;
  if (letter != 'u') return (uint32_t)meanings[strchr(letters, letter) - letters];
  uint32_t high = read_hexadecimal(text);
  if (high < 0xd800 || high > 0xdbff || memcmp(*text, "\\u", 2) != 0) return high;
  *text += 2;
  return 0x10000 + ((high - 0xd800) << 10) + (read_hexadecimal(text) - 0xdc00);
}

/*
 * Where jansson cannot make room for a word of more than 15 octets, it drops octets and goes on:
 * so what it made of a string or integer is compared with the text, and a difference is a lack of
 * memory. Reals are in no field, so theirs does not matter. (Past help from here: dropping the last
 * octet of a word, or the one behind a backslash, ends in an assertion or a fault of jansson's.)
 */
static bool same_string(const char *text, const char *value) {
  for (text++; *text != '"';) {
    if (*text != '\\') {
      if (*text++ != *value++) return false;
      continue;
    }
    uint32_t found;
    size_t length = mri_utf8_read(value, &found);
    text++;
    if (length == 0 || found != read_escape(&text)) return false;
    value += length;
  }
  return *value == '\0';
}

/* Behind a number there is a bracket, comma or blank. */
static bool same_integer(const char *text, json_int_t value) {
  errno = 0;
  return strtoll(text, NULL, 10) == value && errno == 0;
}

static bool scan_string(struct scan *scan, const char *value) {
  bool same = same_string(scan->text, value);
  advance(scan);
  while (*scan->text != '"') {
    if (*scan->text == '\\') advance(scan);
    advance(scan);
  }
  advance(scan);
  return same;
}

static bool scan_literal(struct scan *scan, const json_t *value) {
  bool same = !json_is_integer(value) || same_integer(scan->text, json_integer_value(value));
  while (scan->text < scan->end && !memchr(" \t\r\n,]}", *scan->text, 7))
    advance(scan);
  return same;
}

static bool grow(struct mri_document *document) {
  if (document->count < document->capacity) return true;
  uint32_t capacity = document->capacity ? document->capacity * 2 : 256;
  struct mri_node *nodes =
      mri_resize(document->alloc, document->nodes, capacity, sizeof *document->nodes);
  if (!nodes) return false;
  document->nodes = nodes;
  document->capacity = capacity;
  return true;
}

static bool scan_value(struct scan *scan, struct mri_node node);

static bool scan_list(struct scan *scan, struct mri_node element, const json_t *list) {
  for (; element.index < json_array_size(list); element.index++) {
    element.value = json_array_get(list, element.index);
    if (!scan_value(scan, element)) return false;
  }
  return true;
}

/* jansson keeps members in the order of the text. */
static bool scan_object(struct scan *scan, struct mri_node member, json_t *object) {
  json_object_foreach(object, member.key, member.value) {
    skip_between(scan);
    member.key_at = scan->here;
    if (!scan_string(scan, member.key) || !scan_value(scan, member)) return false;
    member.index++;
  }
  return true;
}

static bool scan_container(struct scan *scan, uint32_t self, json_t *value) {
  struct mri_node inside = {.parent = self};
  advance(scan);
  bool scanned =
      json_is_object(value) ? scan_object(scan, inside, value) : scan_list(scan, inside, value);
  if (!scanned) return false;
  skip_between(scan);
  advance(scan);
  scan->document->nodes[self].end = scan->document->count;
  return true;
}

/* `node`: but for its place and end. The depth of this recursion is bounded by jansson's, 2048. */
static bool scan_value(struct scan *scan, struct mri_node node) {
  if (!grow(scan->document)) return false;
  skip_between(scan);
  uint32_t self = scan->document->count++;
  node.at = scan->here;
  if (!node.key) node.key_at = node.at;
  node.end = self + 1;
  scan->document->nodes[self] = node;
  if (json_is_string(node.value)) return scan_string(scan, json_string_value(node.value));
  if (json_is_object(node.value) || json_is_array(node.value))
    return scan_container(scan, self, node.value);
  return scan_literal(scan, node.value);
}

static bool scan_text(struct mri_document *document, const char *text, uint64_t length) {
  struct scan scan = {
      .document = document, .text = text, .end = text + length, .here = {.line = 1, .column = 1}};
  return scan_value(&scan, (struct mri_node){.value = document->root});
}

static struct mri_place place_of(const char *text, const char *octet) {
  struct scan scan = {.text = text, .here = {.line = 1, .column = 1}};
  while (scan.text < octet)
    advance(&scan);
  return scan.here;
}

static bool is_word(char character) {
  return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
         (character >= 'a' && character <= 'z') || memchr("+-._", character, 4);
}

/* An inner quote of a key has a backslash before it, its opening quote never has. */
static const char *first_of_key(const char *last) {
  do
    last--;
  while (*last != '"' || last[-1] == '\\');
  return last;
}

static const char *first_of_word(const char *text, const char *last) {
  while (last > text && is_word(last[0]) && is_word(last[-1]))
    last--;
  return last;
}

/* jansson gives the last octet that it took: people look for the first one of the key or word that
 * is wrong, and for what is behind it where something is missing or no character. */
static const char *wrong_octet(const char *text, const json_error_t *error) {
  enum json_error_code code = json_error_code(error);
  const char *behind = text + error->position;
  if (code == json_error_premature_end_of_input || code == json_error_invalid_utf8 ||
      behind == text)
    return behind;
  return code == json_error_duplicate_key ? first_of_key(behind - 1)
                                          : first_of_word(text, behind - 1);
}

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/*
 * Most failed allocations of jansson's leave the error as it was, without a text. A string that it
 * has no room for becomes a wrong word, but a wrong word never ends in a quote.
 */
static bool is_out_of_memory(const char *text, const json_error_t *error) {
  if (!*error->text || json_error_code(error) == json_error_out_of_memory) return true;
  return error->position > 0 && text[error->position - 1] == '"' &&
         (begins(error->text, "invalid token") || begins(error->text, "string or '}' expected"));
}

static int32_t out_of_memory(const struct mri_document *document, mirror_report *report) {
  return mri_fail(report, MIRROR_E_NOMEM, "%s: out of memory", document->name);
}

static const char *wrong_with(enum json_error_code code) {
  if (code == json_error_numeric_overflow) return "number beyond 64 bits";
  if (code == json_error_stack_overflow) return "more than 2048 values inside one another";
  return "not JSON";
}

static int32_t refuse_at(const struct mri_document *document, struct mri_place place,
                         const char *what, const char *detail, mirror_report *report) {
  mirror_report full = {.size = sizeof full};
  mri_fail(&full, MIRROR_E_JSON_SYNTAX, "%s: %s", what, detail);
  mri_document_locate(document, place, &full);
  mri_report_copy(report, &full);
  return MIRROR_E_JSON_SYNTAX;
}

static int32_t refuse_syntax(const struct mri_document *document, const char *text,
                             const json_error_t *error, mirror_report *report) {
  if (is_out_of_memory(text, error)) return out_of_memory(document, report);
  return refuse_at(document, place_of(text, wrong_octet(text, error)),
                   wrong_with(json_error_code(error)), error->text, report);
}

/* Fills in the root. jansson overlooks a NUL behind a number. */
static int32_t read_values(struct mri_document *document, const char *text, uint64_t length,
                           mirror_report *report) {
  json_error_t error = {.line = 0};
  const char *nul = memchr(text, '\0', (size_t)length);
  if (nul) return refuse_at(document, place_of(text, nul), "not JSON", "a NUL octet", report);
  document->root = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
  return document->root ? MIRROR_OK : refuse_syntax(document, text, &error, report);
}

int32_t mri_document_open(struct mri_document *document, const struct mri_alloc *alloc,
                          const char *name, const char *text, uint64_t length,
                          mirror_report *report) {
  static const char mark[] = "\xef\xbb\xbf"; /* byte order mark */
  *document = (struct mri_document){.alloc = alloc, .name = name};
  if (length > MRI_DOCUMENT_MAX)
    return mri_fail(report, MIRROR_E_LIMIT, "%s: is longer than 256 MiB", name);
  if (length >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
    text += sizeof mark - 1;
    length -= sizeof mark - 1;
  }
  int32_t status = read_values(document, text, length, report);
  if (status) return status;
  if (scan_text(document, text, length)) return MIRROR_OK;
  mri_document_close(document);
  return out_of_memory(document, report);
}

void mri_document_close(struct mri_document *document) {
  mri_free(document->alloc, document->nodes);
  json_decref(document->root);
}

uint32_t mri_document_child(const struct mri_document *document, uint32_t node, const char *key) {
  MRI_EACH_CHILD(document, child, node) {
    const char *found = document->nodes[child].key;
    if (found && strcmp(found, key) == 0) return child;
  }
  return 0;
}

const char *mri_document_text(const struct mri_document *document, uint32_t node) {
  return json_string_value(document->nodes[node].value);
}

void mri_document_locate(const struct mri_document *document, struct mri_place place,
                         mirror_report *report) {
  mirror_report located = {.size = sizeof located};
  mri_fail(&located, report->code, "%s:%u:%u: %s", document->name, place.line, place.column,
           report->text);
  memcpy(report->text, located.text, sizeof report->text);
  snprintf(report->file, sizeof report->file, "%s", document->name);
  report->line = place.line;
  report->column = place.column;
}

void mri_document_path(const struct mri_document *document, uint32_t node, char *path,
                       size_t room) {
  const struct mri_node *self = &document->nodes[node];
  *path = '\0';
  if (node == 0) return;
  mri_document_path(document, self->parent, path, room);
  size_t used = strlen(path);
  if (self->key)
    snprintf(path + used, room - used, "%s%s", used ? "." : "", self->key);
  else
    snprintf(path + used, room - used, "[%u]", self->index);
}

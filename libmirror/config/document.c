/* JSON text to nodes: jansson reads it, and a second pass over the valid text finds the places. */
#include "config/document.h"

#include "core/report.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The second pass. The text is valid JSON: nothing needs to be checked again. */
struct scan {
  struct mri_document *document;
  const char *text;
  const char *end;
  struct mri_place here;
  uint32_t container; /* the innermost open list or object */
  bool has_key;       /* behind the key of a member */
  struct mri_place key_at;
};

/* The later octets of a character are no columns of their own. */
static void advance(struct scan *scan) {
  unsigned char octet = (unsigned char)*scan->text++;
  if (octet == '\n')
    scan->here = (struct mri_place){scan->here.line + 1, 1};
  else if ((octet & 0xc0) != 0x80)
    scan->here.column++;
}

static void skip_blanks(struct scan *scan) {
  while (scan->text < scan->end && memchr(" \t\r\n", *scan->text, 4))
    advance(scan);
}

static void skip_string(struct scan *scan) {
  advance(scan);
  while (*scan->text != '"') {
    if (*scan->text == '\\') advance(scan);
    advance(scan);
  }
  advance(scan);
}

static void skip_literal(struct scan *scan) {
  while (scan->text < scan->end && !memchr(" \t\r\n,]}", *scan->text, 7))
    advance(scan);
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

static bool add_node(struct scan *scan, struct mri_place at) {
  struct mri_document *document = scan->document;
  if (!grow(document)) return false;
  uint32_t self = document->count++;
  document->nodes[self] = (struct mri_node){.at = at,
                                            .key_at = scan->has_key ? scan->key_at : at,
                                            .parent = scan->container,
                                            .end = self + 1};
  scan->has_key = false;
  return true;
}

/* A string with a colon behind it is a key. */
static bool scan_string(struct scan *scan) {
  struct mri_place at = scan->here;
  skip_string(scan);
  skip_blanks(scan);
  if (scan->text == scan->end || *scan->text != ':') return add_node(scan, at);
  scan->has_key = true;
  scan->key_at = at;
  return true;
}

static bool scan_literal(struct scan *scan) {
  bool added = add_node(scan, scan->here);
  skip_literal(scan);
  return added;
}

static bool open_container(struct scan *scan) {
  if (!add_node(scan, scan->here)) return false;
  scan->container = scan->document->count - 1;
  advance(scan);
  return true;
}

static bool close_container(struct scan *scan) {
  struct mri_node *closed = &scan->document->nodes[scan->container];
  closed->end = scan->document->count;
  scan->container = closed->parent;
  advance(scan);
  return true;
}

static bool scan_token(struct scan *scan) {
  switch (*scan->text) {
    case '{':
    case '[':
      return open_container(scan);
    case '}':
    case ']':
      return close_container(scan);
    case '"':
      return scan_string(scan);
    case ',':
    case ':':
      advance(scan);
      return true;
    default:
      return scan_literal(scan);
  }
}

static bool scan_text(struct mri_document *document, const char *text, uint64_t length) {
  struct scan scan = {
      .document = document, .text = text, .end = text + length, .here = {.line = 1, .column = 1}};
  skip_blanks(&scan);
  while (scan.text < scan.end) {
    if (!scan_token(&scan)) return false;
    skip_blanks(&scan);
  }
  return true;
}

/* Both passes see the values in the same order: jansson keeps the members of objects in theirs.
 * The depth of this recursion is bounded by jansson's own, 2048. */
static void attach(struct mri_document *document, uint32_t self, json_t *value) {
  struct mri_node *node = &document->nodes[self];
  uint32_t child = self + 1, index = 0;
  void *member = json_object_iter(value);
  node->value = value;
  while (child < node->end) {
    struct mri_node *inside = &document->nodes[child];
    inside->key = member ? json_object_iter_key(member) : NULL;
    inside->index = index;
    attach(document, child, member ? json_object_iter_value(member) : json_array_get(value, index));
    if (member) member = json_object_iter_next(value, member);
    child = inside->end;
    index++;
  }
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

/* jansson gives the last character that it took: people look for the first one of the key or word
 * that is wrong, and for what is behind it where something is missing or no character. */
static uint32_t column_of(const char *text, const json_error_t *error) {
  enum json_error_code code = json_error_code(error);
  uint32_t column = error->column > 0 ? (uint32_t)error->column : 0;
  if (code == json_error_premature_end_of_input || code == json_error_invalid_utf8)
    return column + 1;
  if (error->position <= 0) return 1;
  const char *last = text + error->position - 1;
  const char *first =
      code == json_error_duplicate_key ? first_of_key(last) : first_of_word(text, last);
  while (last > first)
    column -= ((unsigned char)*last-- & 0xc0) != 0x80;
  return column;
}

/* Some failed allocations of jansson's have no code, and no text either. */
static bool is_out_of_memory(const json_error_t *error) {
  return json_error_code(error) == json_error_out_of_memory || !*error->text;
}

static int32_t refuse_syntax(const struct mri_document *document, const char *text,
                             const json_error_t *error, mirror_report *report) {
  if (is_out_of_memory(error))
    return mri_fail(report, MIRROR_E_NOMEM, "%s: out of memory for JSON", document->name);
  mirror_report full = {.size = sizeof full};
  mri_fail(&full, MIRROR_E_JSON_SYNTAX, "not JSON: %s", error->text);
  struct mri_place place = {(uint32_t)error->line, column_of(text, error)};
  mri_document_locate(document, place, &full);
  mri_report_copy(report, &full);
  return MIRROR_E_JSON_SYNTAX;
}

int32_t mri_document_open(struct mri_document *document, const struct mri_alloc *alloc,
                          const char *name, const char *text, uint64_t length,
                          mirror_report *report) {
  static const char mark[] = "\xef\xbb\xbf"; /* byte order mark */
  json_error_t error;
  *document = (struct mri_document){.alloc = alloc, .name = name};
  if (length > MRI_DOCUMENT_MAX)
    return mri_fail(report, MIRROR_E_LIMIT, "%s: is longer than 256 MiB", name);
  if (length >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
    text += sizeof mark - 1;
    length -= sizeof mark - 1;
  }
  document->root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  if (!document->root) return refuse_syntax(document, text, &error, report);
  if (scan_text(document, text, length)) {
    attach(document, 0, document->root);
    return MIRROR_OK;
  }
  mri_document_close(document);
  return mri_fail(report, MIRROR_E_NOMEM, "%s: out of memory", name);
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

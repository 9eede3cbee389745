/*
 * JSON text (RFC 8259) to values and nodes. Not by jansson's own reader: where it runs out of
 * memory it can go on with a character less, or call the text wrong; and it gives no places.
 */
#include "config/document.h"
#include "core/report.h"
#include "core/utf8.h"

#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 512, END = -1 };

struct parser {
  struct mri_document *document;
  const char *text;
  const char *end;
  struct mri_place here;
  uint32_t depth;
  char *string; /* the last string, decoded, with a NUL */
  size_t length;
  size_t room;
  int32_t status; /* why it ended */
  mirror_report *report;
};

/* Where a value belongs. */
struct slot {
  json_t *into; /* list or object; NULL: the value is the root */
  void *member; /* jansson's iterator at the object's member */
  struct mri_place at;
  struct mri_place key_at;
  uint32_t parent;
  uint32_t index;
};

static int peek(const struct parser *parser) {
  return parser->text < parser->end ? (unsigned char)*parser->text : END;
}

/* The later octets of a character are no columns of their own. */
static void advance(struct parser *parser, size_t octets) {
  for (; octets; octets--) {
    unsigned char octet = (unsigned char)*parser->text++;
    if (octet == '\n')
      parser->here = (struct mri_place){parser->here.line + 1, 1};
    else if ((octet & 0xc0) != 0x80)
      parser->here.column++;
  }
}

static void skip_blanks(struct parser *parser) {
  while (parser->text < parser->end && memchr(" \t\r\n", *parser->text, 4))
    advance(parser, 1);
}

/* Whether this character is the next; it is skipped, and what is blank around it. */
static bool take(struct parser *parser, char character) {
  skip_blanks(parser);
  if (peek(parser) != character) return false;
  advance(parser, 1);
  skip_blanks(parser);
  return true;
}

static bool is_word(int character) {
  return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
         (character >= 'a' && character <= 'z') || character == '_' || character == '-' ||
         character == '+' || character == '.';
}

static bool out_of_memory(struct parser *parser) {
  parser->status =
      mri_fail(parser->report, MIRROR_E_NOMEM, "%s: out of memory", parser->document->name);
  return false;
}

static bool refuse_at(struct parser *parser, struct mri_place place,
                      const struct mri_fault *fault) {
  mirror_report full = {.size = sizeof full};
  parser->status = mri_refuse(&full, fault);
  mri_document_locate(parser->document, place, &full);
  mri_report_copy(parser->report, &full);
  return false;
}

/* The character that is next; 0 octets if it is none. */
static size_t read_character(const struct parser *parser, char octets[5]) {
  size_t left = (size_t)(parser->end - parser->text);
  uint32_t character;
  memset(octets, 0, 5);
  memcpy(octets, parser->text, left < 4 ? left : 4);
  return mri_utf8_read(octets, &character);
}

/* A word, a character, an octet that is none, or the end. */
static void describe_next(const struct parser *parser, char found[32]) {
  size_t length = 0;
  char octets[5];
  while (length < 31 && parser->text + length < parser->end && is_word(parser->text[length]))
    length++;
  if (length)
    snprintf(found, 32, "%.*s", (int)length, parser->text);
  else if (peek(parser) == END)
    snprintf(found, 32, "the end of the file");
  else if (peek(parser) >= ' ' && read_character(parser, octets))
    snprintf(found, 32, "%.*s", (int)read_character(parser, octets), octets);
  else
    snprintf(found, 32, "the octet 0x%02x", (unsigned)peek(parser));
}

/* Refuses what is next. */
static bool refuse(struct parser *parser, const char *expected) {
  char found[32], text[256];
  describe_next(parser, found);
  const char *quote = strlen(found) < strlen("the ") || memcmp(found, "the ", 4) != 0 ? "\"" : "";
  snprintf(text, sizeof text, "not JSON: found %s%s%s, expected %s", quote, found, quote, expected);
  const struct mri_fault fault = {
      .code = MIRROR_E_JSON_SYNTAX, .value = found, .expected = expected, .text = text};
  return refuse_at(parser, parser->here, &fault);
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

/* Takes the value. */
static bool put(struct parser *parser, const struct slot *slot, json_t *value) {
  if (slot->member) return json_object_iter_set_new(slot->into, slot->member, value) == 0;
  if (slot->into) return json_array_append_new(slot->into, value) == 0;
  parser->document->root = value;
  return value != NULL;
}

/* Takes the value (NULL: out of memory), and makes a node of it. */
static bool add(struct parser *parser, const struct slot *slot, json_t *value) {
  struct mri_document *document = parser->document;
  if (!put(parser, slot, value) || !grow(document)) return out_of_memory(parser);
  uint32_t self = document->count++;
  document->nodes[self] =
      (struct mri_node){.value = value,
                        .key = slot->member ? json_object_iter_key(slot->member) : NULL,
                        .at = slot->at,
                        .key_at = slot->member ? slot->key_at : slot->at,
                        .parent = slot->parent,
                        .end = self + 1,
                        .index = slot->index};
  return true;
}

/* Room for `octets` and a NUL. */
static bool reserve(struct parser *parser, size_t octets) {
  if (octets < parser->room) return true;
  size_t room = octets + octets / 2 + 64;
  char *string = mri_resize(parser->document->alloc, parser->string, room, 1);
  if (!string) return out_of_memory(parser);
  parser->string = string;
  parser->room = room;
  return true;
}

static void append(struct parser *parser, const char *octets, size_t length) {
  memcpy(parser->string + parser->length, octets, length);
  parser->length += length;
}

static int hex_digit(int character) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *digit = character > 0 ? strchr(digits, character) : NULL;
  return digit ? (int)((digit - digits) % 16) : -1;
}

/* Four digits. */
static bool parse_unit(struct parser *parser, uint32_t *unit) {
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(peek(parser));
    if (digit < 0) return refuse(parser, "four hexadecimal digits behind \\u");
    *unit = *unit << 4 | (uint32_t)digit;
    advance(parser, 1);
  }
  return true;
}

static bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The second half of a pair. */
static bool parse_low_surrogate(struct parser *parser, uint32_t *character) {
  static const char expected[] = "the low surrogate of a pair behind the high one";
  uint32_t low;
  if (peek(parser) != '\\') return refuse(parser, expected);
  advance(parser, 1);
  if (peek(parser) != 'u') return refuse(parser, expected);
  advance(parser, 1);
  if (!parse_unit(parser, &low)) return false;
  if (!is_low_surrogate(low)) return refuse(parser, expected);
  *character = 0x10000 + ((*character - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

static void append_character(struct parser *parser, uint32_t character) {
  char octets[4];
  size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = length; i-- > 1; character >>= 6)
    octets[i] = (char)(0x80 | (character & 0x3f));
  octets[0] = (char)(lead[length] | character);
  append(parser, octets, length);
}

/* Behind \u. The model's texts end with a NUL and cannot hold one. */
static bool parse_code(struct parser *parser) {
  uint32_t character;
  if (!parse_unit(parser, &character)) return false;
  if (character == 0 || is_low_surrogate(character))
    return refuse(parser, "no \\u0000 and no half of a surrogate pair");
  if (character >= 0xd800 && character <= 0xdbff && !parse_low_surrogate(parser, &character))
    return false;
  append_character(parser, character);
  return true;
}

static bool parse_escape(struct parser *parser) {
  static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  advance(parser, 1);
  int next = peek(parser);
  const char *escape = next > 0 ? strchr(escapes, next) : NULL;
  if (!escape && next != 'u') return refuse(parser, "one of \" \\ / b f n r t u behind \\");
  advance(parser, 1);
  if (!escape) return parse_code(parser);
  append(parser, meanings + (escape - escapes), 1);
  return true;
}

static bool parse_character(struct parser *parser) {
  char octets[5];
  if (peek(parser) == '\\') return parse_escape(parser);
  if (peek(parser) == END) return refuse(parser, "the string's closing quote");
  if (peek(parser) < ' ') return refuse(parser, "no control character in a string");
  size_t length = read_character(parser, octets);
  if (!length) return refuse(parser, "UTF-8");
  append(parser, octets, length);
  advance(parser, length);
  return true;
}

/* The octets between the quotes, which are never less than what they mean. */
static size_t raw_length(const struct parser *parser) {
  const char *first = parser->text + 1, *last = first;
  while (last < parser->end && *last != '"')
    last += *last == '\\' && last + 1 < parser->end ? 2 : 1;
  return (size_t)(last - first);
}

static bool parse_string(struct parser *parser) {
  if (!reserve(parser, raw_length(parser))) return false;
  parser->length = 0;
  advance(parser, 1);
  while (peek(parser) != '"') {
    if (!parse_character(parser)) return false;
  }
  advance(parser, 1);
  parser->string[parser->length] = '\0';
  return true;
}

static bool skip_digits(struct parser *parser) {
  const char *first = parser->text;
  while (peek(parser) >= '0' && peek(parser) <= '9')
    advance(parser, 1);
  return parser->text > first || refuse(parser, "a digit");
}

static bool skip_fraction(struct parser *parser) {
  if (peek(parser) != '.') return true;
  advance(parser, 1);
  return skip_digits(parser);
}

static bool skip_exponent(struct parser *parser) {
  if (peek(parser) != 'e' && peek(parser) != 'E') return true;
  advance(parser, 1);
  if (peek(parser) == '+' || peek(parser) == '-') advance(parser, 1);
  return skip_digits(parser);
}

/* False if it does not fit. */
static bool to_integer(const char *digits, json_int_t *number) {
  bool negative = *digits == '-';
  *number = 0;
  for (digits += negative; *digits; digits++) {
    json_int_t digit = negative ? '0' - *digits : *digits - '0';
    if (__builtin_mul_overflow(*number, 10, number) ||
        __builtin_add_overflow(*number, digit, number))
      return false;
  }
  return true;
}

/* Integers that are too large become reals: then their field is refused like any other. */
static json_t *number_of(const char *text, bool whole) {
  json_int_t integer;
  if (whole && to_integer(text, &integer)) return json_integer(integer);
  double real = strtod(text, NULL);
  return json_real(real > DBL_MAX ? DBL_MAX : real < -DBL_MAX ? -DBL_MAX : real);
}

static bool parse_number(struct parser *parser, const struct slot *slot) {
  const char *first = parser->text;
  if (peek(parser) == '-') advance(parser, 1);
  if (peek(parser) == '0')
    advance(parser, 1);
  else if (!skip_digits(parser))
    return false;
  const char *point = parser->text;
  if (!skip_fraction(parser) || !skip_exponent(parser)) return false;
  if (is_word(peek(parser))) return refuse(parser, "the end of the number");
  size_t length = (size_t)(parser->text - first);
  if (!reserve(parser, length)) return false;
  memcpy(parser->string, first, length);
  parser->string[length] = '\0';
  return add(parser, slot, number_of(parser->string, parser->text == point));
}

static bool is_next(const struct parser *parser, const char *word) {
  size_t length = strlen(word), left = (size_t)(parser->end - parser->text);
  return left >= length && memcmp(parser->text, word, length) == 0 &&
         (left == length || !is_word((unsigned char)parser->text[length]));
}

static bool parse_word(struct parser *parser, const struct slot *slot) {
  json_t *value = NULL;
  if (is_next(parser, "true")) value = json_true();
  if (is_next(parser, "false")) value = json_false();
  if (is_next(parser, "null")) value = json_null();
  if (!value) return refuse(parser, "a value");
  while (is_word(peek(parser)))
    advance(parser, 1);
  return add(parser, slot, value);
}

static bool parse_value(struct parser *parser, struct slot *slot);

/* A list or object, behind its bracket; *inside: where its values belong. */
static bool open_container(struct parser *parser, const struct slot *slot, json_t *value,
                           struct slot *inside) {
  *inside = (struct slot){.into = value, .parent = parser->document->count};
  if (!add(parser, slot, value)) return false;
  if (++parser->depth > DEPTH_MAX) return refuse(parser, "at most 512 values inside one another");
  return take(parser, *parser->text);
}

static bool close_container(struct parser *parser, uint32_t node, char bracket,
                            const char *expected) {
  if (!take(parser, bracket)) return refuse(parser, expected);
  parser->document->nodes[node].end = parser->document->count;
  parser->depth--;
  return true;
}

static bool parse_list(struct parser *parser, const struct slot *slot) {
  struct slot element;
  if (!open_container(parser, slot, json_array(), &element)) return false;
  if (peek(parser) != ']') {
    do {
      if (!parse_value(parser, &element)) return false;
      element.index++;
    } while (take(parser, ','));
  }
  return close_container(parser, element.parent, ']', "\",\" or \"]\"");
}

/* A key makes a member, whose value is put in later. */
static bool parse_key(struct parser *parser, struct slot *member) {
  member->key_at = parser->here;
  if (peek(parser) != '"') return refuse(parser, "a key in double quotes");
  if (!parse_string(parser)) return false;
  char text[320];
  snprintf(text, sizeof text, "member \"%.256s\" stands twice, expected it once", parser->string);
  const struct mri_fault fault = {.code = MIRROR_E_JSON_SYNTAX,
                                  .field = parser->string,
                                  .expected = "each member once",
                                  .text = text};
  if (json_object_get(member->into, parser->string))
    return refuse_at(parser, member->key_at, &fault);
  if (json_object_set_new_nocheck(member->into, parser->string, json_null()))
    return out_of_memory(parser);
  member->member = json_object_iter_at(member->into, parser->string);
  return true;
}

static bool parse_member(struct parser *parser, struct slot *member) {
  if (!parse_key(parser, member)) return false;
  if (!take(parser, ':')) return refuse(parser, "\":\"");
  return parse_value(parser, member);
}

static bool parse_object(struct parser *parser, const struct slot *slot) {
  struct slot member;
  if (!open_container(parser, slot, json_object(), &member)) return false;
  if (peek(parser) != '}') {
    do {
      if (!parse_member(parser, &member)) return false;
      member.index++;
    } while (take(parser, ','));
  }
  return close_container(parser, member.parent, '}', "\",\" or \"}\"");
}

static bool parse_value(struct parser *parser, struct slot *slot) {
  int next = peek(parser);
  slot->at = parser->here;
  if (next == '{') return parse_object(parser, slot);
  if (next == '[') return parse_list(parser, slot);
  if (next == '-' || (next >= '0' && next <= '9')) return parse_number(parser, slot);
  if (next != '"') return parse_word(parser, slot);
  return parse_string(parser) &&
         add(parser, slot, json_stringn_nocheck(parser->string, parser->length));
}

int32_t mri_document_parse(struct mri_document *document, const char *text, uint64_t length,
                           mirror_report *report) {
  struct parser parser = {.document = document,
                          .text = text,
                          .end = text + length,
                          .here = {.line = 1, .column = 1},
                          .report = report};
  struct slot root = {.into = NULL};
  skip_blanks(&parser);
  if (parse_value(&parser, &root)) {
    skip_blanks(&parser);
    if (peek(&parser) != END) refuse(&parser, "the end of the file");
  }
  mri_free(document->alloc, parser.string);
  return parser.status;
}

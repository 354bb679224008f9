/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is blank, a comment, "[section]", "[section NAME]" or "key = value".  Blanks around each part do
 * not count.  A ';' or '#' begins a comment at the start of a line or after a blank.
 *
 * Own code, because libinih as Debian builds it cuts section names at 49 bytes and lines at 199
 * without a word, takes an indented line for more of the value before it, and keeps its settings in
 * variables that the program which loads our module may have changed.
 */
#include "base/conf.h"

#include <string.h>

#define FILE_MAX ((size_t)1024 * 1024)
#define SECTION_MAX 128

struct parser {
	conf_handler *handler;
	void *context;
	char section[SECTION_MAX]; /* "" before the first one */
	const char *name;          /* within section, after its zero byte, or "" */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts blanks from both ends, in place. */
static char *trim(char *text)
{
	while (is_blank(*text))
		text++;
	size_t len = strlen(text);
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

static void cut_comment(char *line)
{
	for (char *p = line; *p != '\0'; p++) {
		if ((*p == ';' || *p == '#') && (p == line || is_blank(p[-1]))) {
			*p = '\0';
			return;
		}
	}
}

static dske_rc parse_section(struct parser *p, char *line)
{
	size_t len = strlen(line);

	if (line[len - 1] != ']')
		return FAIL(CONFIG, "a section must end with ']'");
	line[len - 1] = '\0';
	const char *inside = trim(line + 1);
	if (strlen(inside) >= sizeof p->section)
		return FAIL(CONFIG, "a section is longer than %zu bytes", sizeof p->section - 1);
	strcpy(p->section, inside);
	size_t word = strcspn(p->section, " \t");
	p->name = "";
	if (p->section[word] != '\0') {
		p->section[word] = '\0';
		p->name = trim(p->section + word + 1);
	}
	if (word == 0 || strpbrk(p->section, "[]") != NULL || strpbrk(p->name, "[] \t") != NULL)
		return FAIL(CONFIG, "a section must look like [section] or [section NAME]");
	return DSKE_OK;
}

static dske_rc parse_setting(struct parser *p, char *line)
{
	char *equals = strchr(line, '=');

	if (equals == NULL)
		return FAIL(CONFIG, "'%.64s' is neither a [section] nor a setting: write key = value", line);
	*equals = '\0';
	const char *key = trim(line);
	if (key[0] == '\0' || strpbrk(key, " \t") != NULL)
		return FAIL(CONFIG, "a setting must have one word before the '='");
	return p->handler(p->context, p->section, p->name, key, trim(equals + 1));
}

static dske_rc parse_line(struct parser *p, char *line)
{
	size_t len = strlen(line);

	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	for (const char *c = line; *c != '\0'; c++) {
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7F)
			return FAIL(CONFIG, "the line holds a control character");
	}
	cut_comment(line);
	line = trim(line);
	if (line[0] == '\0')
		return DSKE_OK;
	return line[0] == '[' ? parse_section(p, line) : parse_setting(p, line);
}

/* Parses zero-ended text, which it changes. */
static dske_rc parse_text(struct parser *p, char *text, const char *path)
{
	static const char byte_order_mark[] = "\xEF\xBB\xBF";
	unsigned number = 0;

	if (strncmp(text, byte_order_mark, 3) == 0)
		text += 3;
	while (text != NULL) {
		char *line = strsep(&text, "\n");
		number++;
		dske_rc rc = parse_line(p, line);
		if (!rc_ok(rc))
			return rc_fail(rc.code, "%s:%u: %s", path, number, rc_detail(rc));
	}
	return DSKE_OK;
}

dske_rc conf_read(const char *path, conf_handler *handler, void *context)
{
	AUTO(buf) text = {0};
	struct parser p = {.handler = handler, .context = context, .name = ""};

	dske_rc rc = file_read_all(&text, path, FILE_MAX);
	if (rc_is(rc, DSKE_RC_TOOBIG))
		return FAIL(CONFIG, "%s is too long for a configuration file: at most %zu bytes", path, FILE_MAX);
	TRY(rc);
	text.max++; /* for the final zero byte */
	buf_put_u8(&text, 0);
	TRY(buf_rc(&text));
	if (memchr(text.data, 0, text.len - 1) != NULL)
		return FAIL(CONFIG, "%s is no text: it holds a zero byte", path);
	return parse_text(&p, (char *)text.data, path);
}

/* Reads decimal digits into *out and returns what follows them, or NULL if there are none or too many. */
static const char *read_digits(uint64_t *out, const char *text)
{
	uint64_t v = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		uint64_t digit = (uint64_t)(*c - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return NULL;
		v = v * 10 + digit;
	}
	*out = v;
	return c == text ? NULL : c;
}

dske_rc conf_uint(uint64_t *out, const char *key, const char *value, uint64_t least, uint64_t most)
{
	uint64_t v = 0;
	const char *rest = read_digits(&v, value);

	if (rest == NULL || *rest != '\0' || v < least || v > most)
		return FAIL(CONFIG, "%s = %.64s: must be a whole number from %llu to %llu", key, value,
			    (unsigned long long)least, (unsigned long long)most);
	*out = v;
	return DSKE_OK;
}

dske_rc conf_range(struct conf_range *out, const char *key, const char *value, unsigned least, unsigned most)
{
	uint64_t low = 0, high = most;
	const char *rest = read_digits(&low, value);
	bool is_open = rest != NULL && strcmp(rest, "..") == 0;

	if (rest != NULL && *rest == '\0')
		high = low;
	else if (rest != NULL && !is_open)
		rest = strncmp(rest, "..", 2) == 0 ? read_digits(&high, rest + 2) : NULL;
	if (rest == NULL || (*rest != '\0' && !is_open) || low < least || high > most || low > high)
		return FAIL(CONFIG, "%s = %.64s: a range as in 3..9, or one number; from %u to %u", key, value, least, most);
	*out = (struct conf_range){(unsigned)low, (unsigned)high};
	return DSKE_OK;
}

bool conf_range_has(const struct conf_range *r, unsigned value)
{
	return value >= r->least && value <= r->most;
}

dske_rc conf_bool(bool *out, const char *key, const char *value)
{
	static const struct {
		const char *word;
		bool means;
	} words[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false},
		     {"on", true},  {"off", false}, {"1", true},    {"0", false}};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(value, words[i].word) == 0) {
			*out = words[i].means;
			return DSKE_OK;
		}
	}
	return FAIL(CONFIG, "%s = %.64s: must be yes or no", key, value);
}

dske_rc conf_text(char *out, size_t cap, const char *key, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return FAIL(CONFIG, "%s = : must not be empty", key);
	if (len >= cap)
		return FAIL(CONFIG, "%s = %.64s: longer than %zu bytes", key, value, cap - 1);
	memcpy(out, value, len + 1);
	return DSKE_OK;
}

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* A whole number and one of the units, at most `most` in all.  False if it is not. */
static bool read_units(uint64_t *out, const char *value, const struct unit *units, size_t unit_count, uint64_t most)
{
	uint64_t v = 0;
	const char *suffix = read_digits(&v, value);

	for (size_t i = 0; suffix != NULL && i < unit_count; i++) {
		if (strcmp(suffix, units[i].suffix) != 0)
			continue;
		if (v > most / units[i].factor)
			return false;
		*out = v * units[i].factor;
		return true;
	}
	return false;
}

dske_rc conf_size(uint64_t *out, const char *key, const char *value)
{
	static const struct unit units[] = {{"", 1},
					    {"K", UINT64_C(1) << 10},
					    {"M", UINT64_C(1) << 20},
					    {"G", UINT64_C(1) << 30},
					    {"T", UINT64_C(1) << 40}};

	if (!read_units(out, value, units, sizeof units / sizeof units[0], INT64_MAX))
		return FAIL(CONFIG, "%s = %.64s: must be a size in bytes like 4096, 64K, 16M, 2G or 1T", key, value);
	return DSKE_OK;
}

dske_rc conf_duration_ms(int64_t *out, const char *key, const char *value)
{
	static const struct unit units[] = {{"ms", 1},     {"", 1000},     {"s", 1000},
					    {"m", 60000},  {"h", 3600000}, {"d", 86400000}};
	uint64_t ms = 0;

	if (!read_units(&ms, value, units, sizeof units / sizeof units[0], INT64_MAX))
		return FAIL(CONFIG, "%s = %.64s: must be a time like 500ms, 10s, 2m, 1h or 7d", key, value);
	*out = (int64_t)ms;
	return DSKE_OK;
}

dske_rc conf_folder(struct path *folder, const char *file)
{
	struct path own, named = *folder;

	if (named.s[0] == '/')
		return DSKE_OK;
	TRY(path_folder(&own, file));
	if (named.s[0] == '\0')
		return path_format(folder, "%s", own.s);
	return path_format(folder, "%s/%s", own.s, named.s);
}

dske_rc conf_unknown(const char *section, const char *key)
{
	if (section[0] == '\0')
		return FAIL(CONFIG, "setting %.64s stands before any [section]", key);
	return FAIL(CONFIG, "section [%.64s] has no setting %.64s", section, key);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* dske vpn status, dske wg status: what dske-vpn(8) and dske-wg(8) tell of themselves, from their sockets. */
#include <config.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "tools/commands.h"
#include "tools/output.h"

#define ANSWER_MOST (1 << 20)

/* ---- asking ------------------------------------------------------------------------------------------------ */

static dske_rc connect_to(struct fd *f, const char *path, const char *program)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path)
		return FAIL(TOOBIG, "%s: a socket's path has at most %zu bytes", path, sizeof a.sun_path - 1);
	strcpy(a.sun_path, path);
	f->n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->n >= 0 && connect(f->n, (const struct sockaddr *)&a, sizeof a) == 0)
		return DSKE_OK;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return FAIL(NOT_FOUND, "no %s answers at %s: start it, or name its `status` socket", program, path);
	return FAIL(IO, "%s: %s", path, strerror(errno));
}

static dske_rc ask(json_t **out, const char *path, const char *program)
{
	AUTO(fd) f = FD_NONE;
	AUTO(buf) b = {0};
	char part[4096];
	ssize_t got;
	buf_heap(&b, ANSWER_MOST);
	TRY(connect_to(&f, path, program));
	while ((got = read(f.n, part, sizeof part)) > 0 || (got < 0 && errno == EINTR))
		buf_put(&b, part, got > 0 ? (size_t)got : 0);
	if (got < 0)
		return FAIL(IO, "%s: %s", path, strerror(errno));
	TRY(buf_rc(&b));
	*out = json_loadb((const char *)b.data, b.len, 0, NULL);
	return *out != NULL ? DSKE_OK : FAIL(FORMAT, "what answers at %s is no %s", path, program);
}

static uint64_t number(const json_t *v, const char *group, const char *name)
{
	const json_t *at = group != NULL ? json_object_get(v, group) : v;
	return (uint64_t)json_integer_value(json_object_get(at, name));
}

static const char *text(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));
	return s != NULL ? s : "";
}

/* ---- dske vpn status --------------------------------------------------------------------------------------- */

static void show_pads(const json_t *v)
{
	char left[16], waiting[16], rate[16];
	printf("pads to send under      %s, and %s that the other end has not got yet\n", size_text(number(v, "pads", "to_send_under"), left),
	       size_text(number(v, "pads", "to_send_under_not_confirmed"), waiting));
	printf("used                    %s a second", size_text(number(v, "pad_bytes_a_second", "sending"), rate));
	printf("; %s a second come\n", size_text(number(v, "pad_bytes_a_second", "agreeing"), rate));
	if (json_is_integer(json_object_get(v, "lasts_s")))
		printf("lasts                   %llu s at these rates\n", (unsigned long long)number(v, NULL, "lasts_s"));
	printf("pads to receive under   %s\n", size_text(number(v, "pads", "to_receive_under"), left));
	if (number(v, "pads", "day_limit") != 0)
		printf("today                   %s of %s\n", size_text(number(v, "pads", "today"), left),
		       size_text(number(v, "pads", "day_limit"), waiting));
}

static void show_traffic(const json_t *v)
{
	char sent[16], received[16];
	printf("sent, received          %s in %llu packets, %s in %llu\n", size_text(number(v, "traffic", "sent_bytes"), sent),
	       (unsigned long long)number(v, "traffic", "sent"), size_text(number(v, "traffic", "received_bytes"), received),
	       (unsigned long long)number(v, "traffic", "received"));
	printf("refused                 %llu forged, %llu repeated, %llu under unknown pads\n", (unsigned long long)number(v, "traffic", "forged"),
	       (unsigned long long)number(v, "traffic", "repeated"), (unsigned long long)number(v, "traffic", "unknown_pad"));
}

static void show_vpn(const json_t *v)
{
	bool is_up = strcmp(text(v, "state"), "up") == 0;
	printf("tunnel %s with %s: %s%s%s\n", text(v, "tunnel"), text(v, "peer"), colour(stdout, is_up ? COLOUR_GOOD : COLOUR_BAD),
	       text(v, "state"), colour(stdout, COLOUR_OFF));
	printf("device                  %s, to %s\n", text(v, "device"), text(v, "remote"));
	show_pads(v);
	show_traffic(v);
	if (text(v, "why")[0] != '\0')
		printf("last failure            %s\n", text(v, "why"));
}

static dske_rc socket_of(struct path *out, const char *name, const char *kind)
{
	return strchr(name, '/') != NULL ? path_format(out, "%s", name) : path_format(out, "/run/dske/%s-%s", kind, name);
}

int cmd_vpn_status(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands o;
	const struct option_row rows[] = {{"json", OPTION_FLAG, &common.json, NULL, "write JSON, for programs"}, {0}};
	int status = options_read(self, rows, argc, argv, 0, 1, &o);
	struct path path;
	json_t *v = NULL;
	if (status >= 0)
		return status;
	dske_rc rc = socket_of(&path, o.count > 0 ? o.at[0] : "vpn", "vpn");
	if (rc_ok(rc))
		rc = ask(&v, path.s, "dske-vpn");
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	bool is_up = strcmp(text(v, "state"), "up") == 0;
	if (common.json) {
		output_json(v);
	} else {
		show_vpn(v);
		json_decref(v);
	}
	return is_up ? EXIT_OK : EXIT_FAILED;
}

/* ---- dske wg status ---------------------------------------------------------------------------------------- */

static const char *age_text(const json_t *link, const char *name, char out[24])
{
	const json_t *v = json_object_get(link, name);
	if (!json_is_integer(v))
		return "never";
	snprintf(out, 24, "%lld s", (long long)json_integer_value(v));
	return out;
}

static void show_link(struct grid *g, const json_t *link)
{
	char key[24], handshake[24];
	bool is_up = strcmp(text(link, "state"), "up") == 0;
	const char *where = text(link, "interface")[0] != '\0' ? text(link, "interface") : text(link, "hook");
	grid_row(g, is_up ? COLOUR_OFF : COLOUR_WARN);
	grid_cell(g, 0, "%s", text(link, "link"));
	grid_cell(g, 1, "%s", text(link, "peer"));
	grid_cell(g, 2, "%s", where);
	grid_cell(g, 3, "%s", age_text(link, "key_s", key));
	grid_cell(g, 4, "%s", age_text(link, "handshake_s", handshake));
	grid_cell(g, 5, "%llu", (unsigned long long)number(link, NULL, "keys"));
	grid_cell(g, 6, "%s", text(link, "state"));
}

/* How many are not up. */
static size_t show_links(const json_t *links, bool shown)
{
	static const char *const headings[] = {"LINK", "PEER", "WHERE", ">KEY", ">HANDSHAKE", ">KEYS", "STATE"};
	struct grid g;
	size_t i, bad = 0;
	const json_t *link;
	grid_init(&g, sizeof headings / sizeof headings[0], headings);
	json_array_foreach(links, i, link) {
		bad += strcmp(text(link, "state"), "up") != 0;
		show_link(&g, link);
	}
	if (shown)
		grid_print(&g, stdout);
	grid_drop(&g);
	json_array_foreach(links, i, link) {
		if (shown && text(link, "why")[0] != '\0')
			printf("%s: %s\n", text(link, "link"), text(link, "why"));
	}
	return bad;
}

int cmd_wg_status(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands o;
	const char *path = "/run/dske/wg";
	const struct option_row rows[] = {{"json", OPTION_FLAG, &common.json, NULL, "write JSON, for programs"},
					  {"socket", OPTION_TEXT, &path, "FILE", "the daemon's status socket (default: /run/dske/wg)"},
					  {0}};
	int status = options_read(self, rows, argc, argv, 0, 0, &o);
	json_t *v = NULL;
	if (status >= 0)
		return status;
	dske_rc rc = ask(&v, path, "dske-wg");
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	size_t bad = show_links(json_object_get(v, "links"), !common.json);
	if (common.json)
		output_json(v);
	else
		json_decref(v);
	return bad == 0 ? EXIT_OK : EXIT_FAILED;
}

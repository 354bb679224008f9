/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/service.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/conf.h"

#define LOOK_MS 1000

/* ---- its configuration ------------------------------------------------------------------------------------- */

void service_conf_init(struct service_conf *c)
{
	*c = (struct service_conf){.log = "stderr", .log_level = LOG_LEVEL_INFO};
}

dske_rc service_setting(struct service_conf *c, const char *own, const char *section, const char *key, const char *value)
{
	const struct {
		const char *section, *key;
		char *to;
		size_t cap;
	} texts[] = {
		{own, "status", c->status.s, sizeof c->status.s},
		{"token", "module", c->module.s, sizeof c->module.s},
		{"token", "pin_file", c->pin_file.s, sizeof c->pin_file.s},
		{"token", "token", c->token, sizeof c->token},
		{"log", "target", c->log, sizeof c->log},
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(section, texts[i].section) == 0 && strcmp(key, texts[i].key) == 0)
			return conf_text(texts[i].to, texts[i].cap, key, value);
	}
	if (strcmp(section, "log") == 0 && strcmp(key, "level") == 0)
		return log_level_parse(&c->log_level, value);
	return conf_unknown(section, key);
}

dske_rc service_complete(struct service_conf *c, const char *file)
{
	struct path *const paths[] = {&c->status, &c->module, &c->pin_file};
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (paths[i]->s[0] != '\0')
			TRY(conf_folder(paths[i], file));
	}
	return DSKE_OK;
}

struct program_log service_log(const struct service_conf *c)
{
	return (struct program_log){c->log, c->log_level};
}

/* ---- while it runs ----------------------------------------------------------------------------------------- */

dske_rc service_open(struct service *s, const struct service_conf *c)
{
	TRY(program_signals(&s->signals, false));
	return status_open(&s->status, c->status.s);
}

static const char *if_any(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

dske_rc service_open_token(struct service *s, const struct service_conf *c)
{
	struct token_where where = {if_any(c->module.s), if_any(c->token), if_any(c->pin_file.s)};
	return token_open(&s->token, &where);
}

static void answer(const struct service *s, json_t *(*report)(void *context), void *context)
{
	json_t *object = report(context);
	status_answer(&s->status, object);
	json_decref(object);
}

dske_rc service_run(struct service *s, json_t *(*report)(void *context), void (*look)(void *context), void *context)
{
	struct pollfd f[] = {{s->signals.n, POLLIN, 0}, {s->status.fd.n, POLLIN, 0}};
	while (f[0].revents == 0) {
		if (poll(f, 2, look != NULL ? LOOK_MS : -1) < 0 && errno != EINTR)
			return FAIL(IO, "poll: %s", strerror(errno));
		if ((f[1].revents & POLLIN) != 0)
			answer(s, report, context);
		else if (look != NULL)
			look(context);
	}
	return DSKE_OK;
}

void service_drop(struct service *s)
{
	token_close(s->token);
	status_drop(&s->status);
	fd_drop(&s->signals);
}

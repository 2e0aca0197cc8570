/*
 * settings — what can be set from outside, one row a setting; the parser, the check, --help and the manual come from it.
 *
 *   static struct server_settings { const char *listen; int64_t connections; struct setting_texts ips; } set;
 *   static const struct setting rows[] = {
 *       { .name = "listen", .variable = "EVENPOST_LISTEN", .type = SETTING_TEXT, .into = &set.listen,
 *         .standard = "127.0.0.1:8025", .sentence = "Address and port to listen on." },
 *       { .name = "connections", .type = SETTING_NUMBER, .into = &set.connections, .standard = "8", .min = 1, .max = 16,
 *         .unit = "connections", .sentence = "Connections to the database." },
 *   };
 *   settings_read(&(struct settings) { "evenpost-server", "The control API.", rows, COUNT(rows) }, argc, argv);
 *
 * Order: the flag (--name VALUE or --name=VALUE; a switch has no value), else the environment variable, else the
 * standard value. --help prints the rows, --manual a manual page (mdoc), both then exit 0. A wrong, missing or unknown
 * setting is said on standard error with its name, value and limit, and the program exits 2.
 */
#pragma once

#include "base/text.h"

enum setting_type {
    SETTING_TEXT,   /* const char **; an empty value counts as none */
    SETTING_NUMBER, /* int64_t *; decimal, within [min, max] */
    SETTING_SWITCH, /* bool *; the flag alone, or 1, 0, yes, no in the environment */
    SETTING_TEXTS,  /* struct setting_texts *; the flag may be given again and again; in the environment: commas */
};

enum { SETTING_TEXTS_MAX = 16384 };

struct setting_texts {
    const char **items; /* lives as long as the program */
    size_t count;
};

struct setting {
    const char *name;     /* without the dashes */
    const char *variable; /* NULL: flag only */
    enum setting_type type;
    void *into;
    const char *standard; /* NULL: there is none; the setting stays NULL, 0, false or empty, unless `required` */
    int64_t min, max;     /* of a number */
    const char *unit;     /* of a number, or what to write for a value: "FILE", "ADDRESS:PORT" */
    bool required;
    const char *sentence;
};

struct settings {
    const char *program;
    const char *sentence;
    const struct setting *rows;
    size_t count;
};

void settings_read(const struct settings *settings, int argc, char **argv);

/* The same without exits, for tests: SETTINGS_READ, SETTINGS_SHOWN (help or manual is in `words`), SETTINGS_WRONG. */
enum settings_word { SETTINGS_READ, SETTINGS_SHOWN, SETTINGS_WRONG };
MUST_USE enum settings_word settings_parse(struct arena *arena, const struct settings *settings, int argc, char **argv,
                                           const char *(*environment)(const char *), struct text *words);

/* "127.0.0.1:8025", "[::1]:25", "*:25" is refused: an address and a port of 1 to 65535. */
struct ip;
MUST_USE bool settings_address(const char *text, struct ip *ip, uint16_t *port);

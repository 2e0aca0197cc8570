#include "io/settings.h"

#include "base/ip.h"

#include <string.h>
#include <unistd.h>

enum { NUMBER_SHOWN = 24 };

/* What one row was told, until it is checked. */
struct given {
    const char **values;
    size_t count, capacity;
};

struct reading {
    struct arena *arena;
    const struct settings *settings;
    struct given *given;
    struct text *words; /* what is wrong, or what was asked for */
};

/* ---- for people ---- */

static const char *unit_of(const struct setting *row)
{
    if (row->type == SETTING_SWITCH)
        return "";
    return row->unit != NULL ? row->unit : row->type == SETTING_NUMBER ? "N" : "TEXT";
}

/* One row in words that both --help and --manual use: its bounds, default and variable. */
static void row_facts(struct builder *builder, const struct setting *row)
{
    if (row->type == SETTING_NUMBER)
        builder_format(builder, " %lld to %lld.", (long long)row->min, (long long)row->max);
    if (row->type == SETTING_TEXTS)
        builder_format(builder, " May be given again and again.");
    if (row->standard != NULL)
        builder_format(builder, " Default: %s.", row->standard);
    if (row->required)
        builder_format(builder, " Required.");
    if (row->variable != NULL)
        builder_format(builder, " Environment: %s.", row->variable);
}

static struct text settings_help(struct arena *arena, const struct settings *settings)
{
    struct builder builder = builder_in(arena);
    builder_format(&builder, "%s: %s\n\n", settings->program, settings->sentence);
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *row = &settings->rows[i];
        builder_format(&builder, "  --%s %s\n      %s", row->name, unit_of(row), row->sentence);
        row_facts(&builder, row);
        builder_add_byte(&builder, '\n');
    }
    builder_format(&builder, "  --help\n      Says this.\n  --manual\n      Prints a manual page (mdoc).\n");
    return builder_text(&builder);
}

/* mdoc(7): a line that begins with a dot or an apostrophe would be a request, a backslash an escape. */
static void add_roff(struct builder *builder, struct text words)
{
    for (size_t i = 0; i < words.length; i++) {
        if (words.bytes[i] == '\\')
            builder_format(builder, "\\e");
        else
            builder_add_byte(builder, words.bytes[i]);
    }
}

static struct text settings_manual(struct arena *arena, const struct settings *settings)
{
    struct builder builder = builder_in(arena);
    builder_format(&builder, ".Dd $Mdocdate$\n.Dt %s 8\n.Os Evenpost\n.Sh NAME\n.Nm %s\n.Nd ", settings->program,
                   settings->program);
    add_roff(&builder, text_of(settings->sentence));
    builder_format(&builder, "\n.Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Sh OPTIONS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *row = &settings->rows[i];
        struct builder facts = builder_in(arena);
        row_facts(&facts, row);
        builder_format(&builder, ".It Fl -%s %s%s\n", row->name, *unit_of(row) ? "Ar " : "", unit_of(row));
        add_roff(&builder, text_of(row->sentence));
        add_roff(&builder, builder_text(&facts));
        builder_add_byte(&builder, '\n');
    }
    builder_format(&builder, ".El\n.Sh EXIT STATUS\n0 after an orderly end, 2 when a setting is wrong.\n");
    return builder_text(&builder);
}

/* ---- reading ---- */

PRINTF(2, 3)
static enum settings_word wrong(struct reading *reading, const char *format, ...)
{
    struct builder builder = builder_in(reading->arena);
    va_list arguments;
    va_start(arguments, format);
    builder_format(&builder, "%s: ", reading->settings->program);
    builder_vformat(&builder, format, arguments);
    va_end(arguments);
    *reading->words = builder_text(&builder);
    return SETTINGS_WRONG;
}

static void give(struct reading *reading, size_t row, const char *value)
{
    struct given *given = &reading->given[row];
    if (given->count == given->capacity) {
        size_t capacity = MAX_OF((size_t)4, given->capacity * 2);
        const char **values = arena_make_array(reading->arena, const char *, capacity);
        if (given->count > 0)
            memcpy(values, given->values, given->count * sizeof(*values));
        given->values = values;
        given->capacity = capacity;
    }
    given->values[given->count++] = value;
}

static size_t row_of(const struct settings *settings, struct text name)
{
    size_t row = 0;
    while (row < settings->count && !text_equal(text_of(settings->rows[row].name), name))
        row++;
    return row;
}

static enum settings_word read_flag(struct reading *reading, int argc, char **argv, int *place)
{
    struct text value = text_of(argv[*place]);
    struct text name;
    if (!text_starts(value, TEXT("--")) || value.length == 2)
        return wrong(reading, "`%s` is no option; --help lists them", argv[*place]);
    bool has_value = text_has(value, '=');
    value = text_after(value, 2);
    if (!text_cut(&value, '=', &name))
        return wrong(reading, "`%s` is no option; --help lists them", argv[*place]);
    size_t row = row_of(reading->settings, name);
    if (row == reading->settings->count)
        return wrong(reading, "--%.*s is not known; --help lists what is", TEXT_ARG(name));
    if (has_value) {
        give(reading, row, strchr(argv[*place], '=') + 1);
        return SETTINGS_READ;
    }
    if (reading->settings->rows[row].type == SETTING_SWITCH) {
        give(reading, row, "1");
        return SETTINGS_READ;
    }
    if (*place + 1 >= argc)
        return wrong(reading, "--%.*s wants a value: %s", TEXT_ARG(name), unit_of(&reading->settings->rows[row]));
    give(reading, row, argv[++*place]);
    return SETTINGS_READ;
}

static enum settings_word read_flags(struct reading *reading, int argc, char **argv)
{
    for (int place = 1; place < argc; place++) {
        bool help = strcmp(argv[place], "--help") == 0 || strcmp(argv[place], "-h") == 0;
        if (help || strcmp(argv[place], "--manual") == 0) {
            *reading->words = help ? settings_help(reading->arena, reading->settings)
                                   : settings_manual(reading->arena, reading->settings);
            return SETTINGS_SHOWN;
        }
        enum settings_word word = read_flag(reading, argc, argv, &place);
        if (word != SETTINGS_READ)
            return word;
    }
    return SETTINGS_READ;
}

static void give_parts(struct reading *reading, size_t row, const char *list)
{
    struct text rest = text_of(list), part;
    while (text_cut(&rest, ',', &part)) {
        if (text_trim(part).length > 0)
            give(reading, row, text_terminated(reading->arena, text_trim(part)));
    }
}

/* What no flag gave: the environment, then the standard value. */
static void read_rest(struct reading *reading, const char *(*environment)(const char *))
{
    for (size_t i = 0; i < reading->settings->count; i++) {
        const struct setting *row = &reading->settings->rows[i];
        if (reading->given[i].count > 0)
            continue;
        const char *value = row->variable == NULL ? NULL : environment(row->variable);
        value = value == NULL || *value == '\0' ? row->standard : value;
        if (value != NULL && row->type == SETTING_TEXTS)
            give_parts(reading, i, value);
        else if (value != NULL)
            give(reading, i, value);
    }
}

static bool read_switch(const char *value, bool *into)
{
    bool yes = strcmp(value, "1") == 0 || strcmp(value, "yes") == 0;
    *into = yes;
    return yes || strcmp(value, "0") == 0 || strcmp(value, "no") == 0;
}

static enum settings_word check(struct reading *reading, size_t number)
{
    const struct setting *row = &reading->settings->rows[number];
    const struct given *given = &reading->given[number];
    const char *last =
        given->count == 0 || *given->values[given->count - 1] == '\0' ? NULL : given->values[given->count - 1];
    if (last == NULL && row->required)
        return wrong(reading, "--%s is required%s%s: %s", row->name, row->variable == NULL ? "" : " (or ",
                     row->variable == NULL ? "" : text_format(reading->arena, "%s)%c", row->variable, '\0').bytes,
                     row->sentence);
    switch (row->type) {
    case SETTING_TEXT: *(const char **)row->into = last; return SETTINGS_READ;
    case SETTING_NUMBER:
        *(int64_t *)row->into = 0;
        if (last == NULL)
            return SETTINGS_READ;
        if (!text_to_int64(text_of(last), row->into) || *(int64_t *)row->into < row->min ||
            *(int64_t *)row->into > row->max)
            return wrong(reading, "--%s is `%.*s`: write a number from %lld to %lld (%s)", row->name, NUMBER_SHOWN,
                         last, (long long)row->min, (long long)row->max, unit_of(row));
        return SETTINGS_READ;
    case SETTING_SWITCH:
        *(bool *)row->into = false;
        if (last != NULL && !read_switch(last, row->into))
            return wrong(reading, "--%s is `%.*s`: write 1, 0, yes or no", row->name, NUMBER_SHOWN, last);
        return SETTINGS_READ;
    case SETTING_TEXTS:
        if (given->count > SETTING_TEXTS_MAX)
            return wrong(reading, "--%s was given %zu times: at most %d", row->name, given->count, SETTING_TEXTS_MAX);
        *(struct setting_texts *)row->into = (struct setting_texts){ given->values, given->count };
        return SETTINGS_READ;
    }
    unreachable("a type without a row");
}

enum settings_word settings_parse(struct arena *arena, const struct settings *settings, int argc, char **argv,
                                  const char *(*environment)(const char *), struct text *words)
{
    struct reading reading = { arena, settings, arena_make_array(arena, struct given, settings->count), words };
    enum settings_word word = read_flags(&reading, argc, argv);
    if (word != SETTINGS_READ)
        return word;
    read_rest(&reading, environment);
    for (size_t i = 0; i < settings->count && word == SETTINGS_READ; i++)
        word = check(&reading, i);
    return word;
}

static const char *environment_of(const char *name)
{
    return getenv(name);
}

static struct arena *volatile kept; /* what was read lives as long as the program */

void settings_read(const struct settings *settings, int argc, char **argv)
{
    struct text words = TEXT_NONE;
    struct arena *arena = arena_new();
    switch (settings_parse(arena, settings, argc, argv, environment_of, &words)) {
    case SETTINGS_READ: kept = arena; return;
    case SETTINGS_SHOWN: printf("%.*s", TEXT_ARG(words)); break;
    case SETTINGS_WRONG:
        fprintf(stderr, "%.*s\n", TEXT_ARG(words));
        arena_free(&arena);
        exit(2);
    }
    arena_free(&arena);
    exit(0);
}

bool settings_address(const char *text, struct ip *ip, uint16_t *port)
{
    struct text whole = text_of(text);
    size_t colon = text_find_last(whole, ':');
    uint64_t number;
    if (text == NULL || colon == whole.length || !text_to_uint(text_after(whole, colon + 1), UINT16_MAX, &number) ||
        number == 0)
        return false;
    struct text address = text_slice(whole, 0, colon);
    bool bracketed = text_starts(address, TEXT("[")) && text_ends(address, TEXT("]"));
    if (bracketed)
        address = text_slice(address, 1, address.length - 2);
    *port = (uint16_t)number;
    return ip_parse(address, ip) && (bracketed || !text_has(address, ':'));
}

#include "io/log.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"

enum { LINE_MAX_BYTES = 4096 };

static struct {
    const char *program;
    enum log_level level;
    bool journal, all;
    bool topics[TRACE_TOPICS];
    uint64_t dropped;
} state = { .program = "evenpost", .level = LOG_INFO };

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const char *const topic_names[TRACE_TOPICS] = {
    [TRACE_PG] = "pg",     [TRACE_SESSION] = "session",       [TRACE_PERMIT] = "permit", [TRACE_LANE] = "lane",
    [TRACE_HTTP] = "http", [TRACE_CONNECTION] = "connection", [TRACE_JOBS] = "jobs",
};

void log_open(const char *program)
{
    struct text level = text_of(getenv("EVENPOST_LOG"));
    struct text topics = text_of(getenv("EVENPOST_TRACE"));
    state.program = program;
    state.journal = getenv("JOURNAL_STREAM") != NULL;
    for (size_t i = 0; i < COUNT(level_names); i++)
        if (text_equal(level, text_of(level_names[i])))
            state.level = (enum log_level)i;
    for (struct text topic; text_cut(&topics, ',', &topic);)
        for (size_t i = 0; i < TRACE_TOPICS; i++)
            if (text_equal(topic, text_of(topic_names[i])) || text_equal(topic, TEXT("all")))
                state.topics[i] = true;
}

uint64_t log_dropped(void)
{
    return state.dropped;
}

/* Escapes what would start a new line or colour a terminal; a line that is too long ends in "…". */
static size_t put_escaped(char *line, size_t length, size_t room, struct text words)
{
    for (size_t i = 0; i < words.length && length + 8 < room; i++) {
        unsigned char byte = (unsigned char)words.bytes[i];
        if (byte >= 0x20 && byte != 0x7f)
            line[length++] = (char)byte;
        else
            length += (size_t)snprintf(line + length, room - length, "\\x%02x", byte);
    }
    return length;
}

static void send_line(const char *line, size_t length)
{
    struct pollfd error = { .fd = STDERR_FILENO, .events = POLLOUT };
    bool taken = poll(&error, 1, 0) == 1 && (error.revents & POLLOUT) && write(STDERR_FILENO, line, length) >= 0;
    state.dropped += !taken;
}

static size_t put_head(char *line, size_t room, enum log_level level, const char *kind)
{
    static const char journal_levels[] = "3467";
    if (state.journal)
        return (size_t)snprintf(line, room, "<%c>%s ", journal_levels[level], kind);
    struct arena *arena = arena_new();
    struct text now = instant_text_precise(arena, clock_wall());
    size_t length = (size_t)snprintf(line, room, "%.*s %s %s ", TEXT_ARG(now), kind, state.program);
    arena_free(&arena);
    return length;
}

PRINTF(4, 0)
static void put_line(enum log_level level, const char *kind, const char *object, const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES], words[LINE_MAX_BYTES];
    int wanted = vsnprintf(words, sizeof words, format, arguments);
    size_t length = put_head(line, sizeof line, level, kind);
    if (object != NULL)
        length = put_escaped(line, length, sizeof line, text_of(object));
    if (object != NULL && length + 1 < sizeof line)
        line[length++] = ' ';
    length = put_escaped(line, length, sizeof line - 8, text_from(words, wanted < 0 ? 0 : strlen(words)));
    line[length++] = '\n';
    send_line(line, length);
}

void log_line(enum log_level level, const char *object, const char *format, ...)
{
    if (level > state.level)
        return;
    va_list arguments;
    va_start(arguments, format);
    put_line(level, level_names[level], object, format, arguments);
    va_end(arguments);
}

bool trace_is_on(enum trace_topic topic)
{
    assert(topic < TRACE_TOPICS);
    return state.all || state.topics[topic];
}

void trace_toggle_all(void)
{
    state.all = !state.all;
}

void trace_line(enum trace_topic topic, const char *object, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(LOG_DEBUG, topic_names[topic], object, format, arguments);
    va_end(arguments);
}

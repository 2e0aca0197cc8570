/*
 * evenpost-clock — makes, shows and moves the clock file of a home (io/clock.h), for the launcher and for tests.
 *
 *   evenpost-clock FILE create START RATE    START: RFC 3339, or `now`; it stands still until `run`
 *   evenpost-clock FILE create               the machine's own time
 *   evenpost-clock FILE show | run | rate N | jump 90s|15m|6h|2d | to INSTANT
 */
#include <stdio.h>
#include <string.h>

#include "base/instant.h"
#include "io/clock.h"

static int complain(const char *what)
{
    fprintf(stderr, "evenpost-clock: %s\n", what);
    return 2;
}

static bool parse_rate(const char *words, int64_t *millionths)
{
    char *end;
    double rate = strtod(words, &end);
    *millionths = (int64_t)(rate * 1e6);
    return *end == 0 && end != words && rate >= 0 && rate <= 1e6;
}

static bool parse_duration(struct text words, int64_t *us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        { "ms", US_PER_MS }, { "s", US_PER_SECOND }, { "m", US_PER_MINUTE }, { "h", US_PER_HOUR }, { "d", US_PER_DAY },
    };
    uint64_t number;
    for (size_t i = 0; i < COUNT(units); i++) {
        struct text unit = text_of(units[i].unit);
        if (text_ends(words, unit) &&
            text_to_uint(text_slice(words, 0, words.length - unit.length), 1000000, &number)) {
            *us = (int64_t)number * units[i].us;
            return true;
        }
    }
    return false;
}

static int show(const char *file)
{
    struct clock_setting setting;
    const char *fault = clock_file_read(file, &setting);
    if (fault != NULL)
        return complain(fault);
    struct arena *arena = arena_new();
    struct text start = instant_text_precise(arena, setting.start), since = instant_text_precise(arena, setting.since);
    struct text now = instant_text_precise(arena, clock_setting_now(&setting, clock_wall()));
    printf("{\"start\": \"%.*s\", \"since\": \"%.*s\", \"rate\": %g, \"running\": %s, \"now\": \"%.*s\"}\n",
           TEXT_ARG(start), TEXT_ARG(since), (double)setting.rate_millionths / 1e6, setting.running ? "true" : "false",
           TEXT_ARG(now));
    arena_free(&arena);
    return 0;
}

static const char *create(const char *file, const char *start, const char *rate)
{
    struct instant at = INSTANT_NONE;
    int64_t millionths = 1000000;
    if (start == NULL)
        return clock_file_create(file, at, millionths, true);
    if (strcmp(start, "now") == 0)
        at = clock_wall();
    else if (!instant_parse(text_of(start), &at))
        return "START is an RFC 3339 time, or now";
    if (rate == NULL || !parse_rate(rate, &millionths))
        return "RATE is a number from 0 to 1000000";
    return clock_file_create(file, at, millionths, false);
}

static const char *jump(const char *file, const char *duration)
{
    struct clock_setting setting;
    int64_t us;
    if (!parse_duration(text_of(duration), &us))
        return "a duration is a number and ms, s, m, h or d";
    const char *fault = clock_file_read(file, &setting);
    if (fault != NULL)
        return fault;
    return clock_file_forward(file, instant_add(clock_setting_now(&setting, clock_wall()), us));
}

static const char *to(const char *file, const char *words)
{
    struct instant at;
    return instant_parse(text_of(words), &at) ? clock_file_forward(file, at) : "an instant is an RFC 3339 time";
}

static const char *rate_of(const char *file, const char *words)
{
    int64_t millionths;
    return parse_rate(words, &millionths) ? clock_file_rate(file, millionths) : "a rate is a number from 0 to 1000000";
}

int main(int count, char **words)
{
    const char *file = count > 1 ? words[1] : NULL, *command = count > 2 ? words[2] : "";
    const char *first = count > 3 ? words[3] : NULL, *second = count > 4 ? words[4] : NULL;
    const char *fault =
        "usage: evenpost-clock FILE create [START RATE] | show | run | rate N | jump DURATION | to INSTANT";
    if (strcmp(command, "show") == 0)
        return show(file);
    if (strcmp(command, "create") == 0)
        fault = create(file, first, second);
    else if (strcmp(command, "run") == 0)
        fault = clock_file_run(file);
    else if (strcmp(command, "rate") == 0 && first != NULL)
        fault = rate_of(file, first);
    else if (strcmp(command, "jump") == 0 && first != NULL)
        fault = jump(file, first);
    else if (strcmp(command, "to") == 0 && first != NULL)
        fault = to(file, first);
    return fault == NULL ? 0 : complain(fault);
}

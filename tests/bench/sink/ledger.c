#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include "ledger.h"

enum { SOURCES = 1 << 17 }; /* open addressing: more than a /16 of sources */

struct source {
    uint32_t addr;
    int now, max;
    long seen;
    bool used;
};

static struct source sources[SOURCES];
static long messages, connections, aborted;
static int now_open, max_open, most_per_source, source_count;
static double first_dot, last_dot;

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct source *source_of(uint32_t addr)
{
    uint32_t i = (addr * 2654435761u) % SOURCES;
    while (sources[i].used && sources[i].addr != addr)
        i = (i + 1) % SOURCES;
    sources[i].used = true;
    sources[i].addr = addr;
    return &sources[i];
}

struct source *ledger_opened(uint32_t addr)
{
    struct source *s = source_of(addr);
    connections++;
    if (!s->seen++)
        source_count++;
    if (++s->now > s->max)
        s->max = s->now;
    if (s->max > most_per_source)
        most_per_source = s->max;
    if (++now_open > max_open)
        max_open = now_open;
    return s;
}

void ledger_closed(struct source *source)
{
    source->now--;
    now_open--;
}

void ledger_message(void)
{
    last_dot = wall();
    if (!messages++)
        first_dot = last_dot;
}

void ledger_aborted(void)
{
    aborted++;
}
long ledger_messages(void)
{
    return messages;
}
int ledger_open(void)
{
    return now_open;
}

void ledger_reset(void)
{
    messages = connections = aborted = 0;
    first_dot = last_dot = 0;
    max_open = now_open;
    most_per_source = source_count = 0;
    for (int i = 0; i < SOURCES; i++) {
        sources[i].max = sources[i].now;
        sources[i].seen = 0;
        if (sources[i].now > most_per_source)
            most_per_source = sources[i].now;
    }
}

void ledger_print(void)
{
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    double cpu =
        (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) + (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\":%ld,\"connections\":%ld,\"open\":%d,\"max_open\":%d,\"sources\":%d,\"max_per_source\":%d,"
           "\"closed_without_quit\":%ld,\"first_dot\":%.6f,\"last_dot\":%.6f,\"cpu_s\":%.3f}\n",
           messages, connections, now_open, max_open, source_count, most_per_source, aborted, first_dot, last_dot, cpu);
    fflush(stdout);
}

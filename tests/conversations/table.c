/* Plays a *.table of faults: each row becomes a script of the way to the stage, the fault, and what must come of it. */

#include "base/memory.h"

#include "play.h"

enum { FAULTS_MAX = 16 };

struct table {
    const char *path;
    struct arena *arena;
    struct {
        struct text name, line;
    } faults[FAULTS_MAX];
    size_t fault_count;
    struct text stage, wrong;
    struct builder way;
    int rows;
};

NORETURN static void bad_row(const struct table *table, struct text line)
{
    fprintf(stderr, "%s: no such row in stage %.*s: %.*s\n", table->path, TEXT_ARG(table->stage), TEXT_ARG(line));
    exit(2);
}

static struct text next_word(struct text *rest)
{
    struct text word = TEXT("");
    *rest = text_trim(*rest);
    return text_cut(rest, ' ', &word) ? word : TEXT("");
}

static void add_line(struct builder *script, struct text line)
{
    builder_add(script, text_trim(line));
    builder_add_byte(script, '\n');
}

/* The end of a message is four words, behind them the trouble. */
static void add_result(struct builder *script, struct text outcome, struct text *rest)
{
    builder_format(script, "result %.*s", TEXT_ARG(outcome));
    for (int i = 0; i < 3; i++) {
        struct text word = next_word(rest);
        builder_format(script, " %.*s", TEXT_ARG(word));
    }
    struct text trouble = next_word(rest);
    builder_format(script, "\ntrouble %.*s\n", TEXT_ARG(trouble));
}

static struct text fault_line(const struct table *table, struct text name, struct text row)
{
    for (size_t i = 0; i < table->fault_count; i++) {
        if (text_equal(name, table->faults[i].name))
            return table->faults[i].line.length > 0 ? table->faults[i].line : table->wrong;
    }
    bad_row(table, row);
}

static void play_row(struct table *table, struct text row)
{
    struct text rest = row, fault = next_word(&rest), outcome = next_word(&rest);
    struct text line = fault_line(table, fault, row);
    if (text_equal(outcome, TEXT("impossible")))
        return;
    struct builder script = builder_in(table->arena);
    builder_add(&script, builder_text(&table->way));
    add_line(&script, line);
    if (text_equal(outcome, TEXT("no_result")))
        add_line(&script, TEXT("no result"));
    else
        add_result(&script, outcome, &rest);
    rest = text_trim(rest);
    builder_format(&script, "needs %.*s\n", TEXT_ARG(rest));
    struct text name = text_format(table->arena, "%s: %.*s %.*s", table->path, TEXT_ARG(table->stage), TEXT_ARG(fault));
    play_script(text_terminated(table->arena, name), builder_text(&script));
    table->rows++;
}

static void add_fault(struct table *table, struct text rest)
{
    assert(table->fault_count < FAULTS_MAX);
    table->faults[table->fault_count].name = next_word(&rest);
    table->faults[table->fault_count++].line = text_trim(rest);
}

static void read_line(struct table *table, struct text line)
{
    struct text rest = line, word = next_word(&rest);
    if (text_equal(word, TEXT("fault"))) {
        add_fault(table, rest);
    } else if (text_equal(word, TEXT("stage"))) {
        table->stage = text_trim(rest);
        table->way = builder_in(table->arena);
    } else if (text_equal(word, TEXT("play"))) {
        add_line(&table->way, rest);
    } else if (text_equal(word, TEXT("wrong")) && (text_starts(text_trim(rest), TEXT("S ")))) {
        table->wrong = text_trim(rest);
    } else if (!text_equal(word, TEXT("says"))) {
        play_row(table, line);
    }
}

int table_play(const char *path)
{
    struct table table = { .path = path, .arena = arena_new() };
    table.way = builder_in(table.arena);
    struct text rest = play_read(table.arena, path), line = TEXT("");
    while (text_cut(&rest, '\n', &line)) {
        line = text_trim(line);
        if (line.length > 0 && line.bytes[0] != '#')
            read_line(&table, line);
    }
    int rows = table.rows;
    arena_free(&table.arena);
    return rows;
}

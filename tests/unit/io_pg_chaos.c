/* io/pg while its connections are killed all the time: whatever dies, each transaction hears one word, and it is true. */
#include "any.h"
#include "pg_jobs.h"

enum { TRANSACTIONS = 5000, FIRST_NOTE = 1000000, KILL_EVERY_MS = 15 };

enum plan { COMMIT, READ_THEN_COMMIT, READ_THEN_ROLL_BACK, FAIL, READ_THEN_FAIL, PLANS };

struct trial {
    struct job job;
    int64_t note;
    enum plan plan;
};

static struct trial *trials;
static struct timer killer;

static void trial_ask(struct trial *trial, int64_t note)
{
    struct note_insert insert = { note, customer_of(1), TEXT("chaos") };
    (void)note_insert_ask(trial->job.transaction, &insert);
}

static void trial_heard(struct transaction_wait *wait, struct transaction *transaction)
{
    struct trial *trial = container_of(container_of(wait, struct job, wait), struct trial, job);
    trial->job.heard++;
    if (trial->plan == READ_THEN_ROLL_BACK) {
        transaction_rollback(transaction);
        return;
    }
    trial_ask(trial, trial->plan == READ_THEN_FAIL ? trial->note : trial->note + TRANSACTIONS);
    transaction_commit(transaction);
}

static void trial_begin(struct trial *trial, struct pg *with, struct any *any, int64_t note)
{
    job_begin(&trial->job, with, customer_of(1));
    transaction_hurry(trial->job.transaction, 60 * US_PER_SECOND);
    trial->note = note;
    trial->plan = (enum plan)any_between(any, 0, PLANS - 1);
    trial_ask(trial, note);
    if (trial->plan == FAIL)
        trial_ask(trial, note);
    if (trial->plan == COMMIT || trial->plan == FAIL)
        CALL(transaction_commit(trial->job.transaction));
    else
        CALL(transaction_read(trial->job.transaction, trial_heard));
}

/* Two connections, and every fourth time the whole server. */
static void kill_some(struct timer *timer)
{
    static int times;
    if (times++ % 4 == 3) {
        scratch("stop", NULL, NULL, 0);
        scratch("start", NULL, NULL, 0);
    } else {
        scratch("sql",
                "do $$ begin perform pg_terminate_backend(pid) from (select pid from pg_stat_activity"
                " where application_name = 'unit' order by random() limit 2) as victims; end $$",
                NULL, 0);
    }
    timer_start(timer, KILL_EVERY_MS * US_PER_MS);
}

static bool is_kept(int64_t note)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "select count(*) from notes where note = %lld", (long long)note);
    return asked_of_server(sql) == 1;
}

static int64_t kept_notes(void)
{
    return asked_of_server("select count(*) from notes where note >= 1000000");
}

/* What the word says is kept, as notes: -1 where it does not say. */
static int notes_by_word(const struct trial *trial)
{
    if (trial->job.end.word == PG_UNKNOWN)
        return -1;
    if (trial->job.end.word != PG_COMMITTED)
        return 0;
    return trial->plan == READ_THEN_COMMIT ? 2 : 1;
}

static void check_words(uint64_t seed)
{
    int64_t certain = 0, kept = kept_notes();
    int words[PG_UNAVAILABLE + 1] = { 0 };
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        const struct trial *trial = &trials[i];
        HOLDS(seed, trial->job.ended == 1);
        HOLDS(seed, trial->job.end.word != PG_ROLLED_BACK || trial->plan == READ_THEN_ROLL_BACK);
        HOLDS(seed, trial->job.end.word != PG_COMMITTED || trial->plan == COMMIT || trial->plan == READ_THEN_COMMIT);
        words[trial->job.end.word]++;
        int notes = notes_by_word(trial);
        if (notes < 0) /* then it was kept whole, or not at all */
            notes = is_kept(trial->note) ? (trial->plan == READ_THEN_COMMIT ? 2 : 1) : 0;
        certain += notes;
    }
    HOLDS(seed, certain == kept);
    HOLDS(seed, words[PG_COMMITTED] > 0 && words[PG_REFUSED] > 0 && words[PG_ROLLED_BACK] > 0);
    for (enum pg_word word = PG_COMMITTED; word <= PG_UNAVAILABLE; word++)
        print_message("%s %d, ", pg_word_name(word), words[word]);
    print_message("notes kept %lld\n", (long long)kept);
}

static void each_hears_one_true_word(void **state) /* property; catches: no word, two words, a wrong one */
{
    (void)state;
    seeds (seed, 2) {
        struct any any = any_of(seed);
        struct pg *four = pool_of(url, 4);
        trials = memory_array(TRANSACTIONS, sizeof(*trials));
        timer_init(&killer, loop, kill_some);
        timer_start(&killer, KILL_EVERY_MS * US_PER_MS);
        for (int i = 0; i < TRANSACTIONS; i++)
            trial_begin(&trials[i], four, &any, FIRST_NOTE + i);
        run();
        timer_stop(&killer);
        check_words(seed);
        scratch("sql", "delete from notes where note >= 1000000", NULL, 0);
        end_pool(four);
        memory_free(&trials);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_hears_one_true_word),
    };
    return cmocka_run_group_tests(tests, start_server, remove_server);
}

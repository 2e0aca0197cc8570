/*
 * evenpost-jobs — everything that is not urgent. Many may run; each kind of work is claimed (claim.h, works.h).
 *
 * SIGTERM, SIGINT and SIGHUP let the pieces that are under way come to their end, then it goes. While the database is away it does
 * nothing, and looks again every few seconds.
 */

#include <string.h>

#include "io/process.h"
#include "io/program.h"

#include "jobs/works.h"

static struct jobs {
    struct program program;
    struct ledger *ledger;
    struct crew crew;
    struct work *works[8];
} jobs = { .program = { .name = "evenpost-jobs", .sentence = "Everything that is not urgent.", .connections = "4" } };

static void jobs_idle(struct crew *crew)
{
    program_close(&container_of(crew, struct jobs, crew)->program);
}

static void jobs_stop(struct program *program)
{
    struct jobs *self = container_of(program, struct jobs, program);
    if (program->begun)
        crew_stop(&self->crew);
    else
        program_close(program);
}

static void jobs_begin(struct program *program)
{
    struct jobs *self = container_of(program, struct jobs, program);
    struct work *const works[] = { overdue_work(), waiting_work(), openings_work(), lanes_work(),
                                   expiry_work(),  history_work(), passed_work(),   requests_work() };
    static_assert(COUNT(works) == COUNT(self->works), "each work has its place");
    memcpy(self->works, works, sizeof(works));
    crew_start(&self->crew, &(struct crew_given){ .loop = program->loop,
                                                  .pool = program->pool,
                                                  .ledger = self->ledger,
                                                  .clock = program->clock,
                                                  .random = program->random,
                                                  .works = self->works,
                                                  .count = COUNT(self->works),
                                                  .idle = jobs_idle });
    process_ready("works");
}

int main(int argc, char **argv)
{
    struct program *program = &jobs.program;
    program->begin = jobs_begin;
    program->stop = jobs_stop;
    program_open(program, argc, argv);
    jobs.ledger = ledger_new(&(struct ledger_given){ program->pool, program->clock, program->random });
    int status = program_run(program);
    for (size_t i = 0; i < COUNT(jobs.works); i++)
        memory_free(&jobs.works[i]);
    ledger_free(&jobs.ledger);
    program_free(program);
    return status;
}

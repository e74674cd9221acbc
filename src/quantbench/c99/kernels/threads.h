/* Beside the network in parts: threads that compute one image together, the caller and as many
   more as there are other parts, which wait for its calls. Not part of the delivered model. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "parts.h"

/* Who waits looks again and again for SPIN_NANOSECONDS, then sleeps: one without work takes no
   processor. After some LOOKS another thread may have the processor, as the one that is waited for
   may need it. Where the caller has had to
   sleep within an image, other programs have the processors, and it computes the next images alone:
   1, 3 and so on, MOST_ALONE at most. */
enum { SPIN_NANOSECONDS = 100000, LOOKS = 128, MOST_ALONE = 63 };

typedef struct {
    const float *image; /* to be converted, or NULL */
    uint8_t *converted;
    const uint8_t *input;
    model_output *output;
    uint8_t *scratch;
    size_t meetings; /* instead of all that: how often to meet */
} model_job;

/* A counter in a line of the cache of its own. */
typedef struct {
    unsigned value;
    char line[64 - sizeof(unsigned)];
} model_counter;

typedef struct model_team {
    model_counter calls, rounds, arrived, sleeping;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    model_job job;
    int ends, alone, alone_next; /* `alone`: the images that the caller computes by itself */
    pid_t process;
    int started;
    pthread_t threads[MODEL_PARTS];
    struct model_member {
        struct model_team *team;
        int part;
    } members[MODEL_PARTS];
} model_team;

model_team *model_team_open(void);
void model_team_image(model_team *team, const float *image, const batch *given);
size_t model_team_golden(model_team *team, uint8_t *scratch);
void model_team_meet(model_team *team, size_t times);
void model_team_close(model_team *team);

static void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int is_still(const model_counter *counter, unsigned old)
{
    return __atomic_load_n(&counter->value, __ATOMIC_SEQ_CST) == old;
}

/* Return when the counter is no longer `old`: 1 where that took sleep. */
static int wait_for(model_team *team, model_counter *counter, unsigned old)
{
    long long end = 0;
    while (end == 0 || nanoseconds() < end) {
        for (int look = 0; look < LOOKS; look++) {
            if (!is_still(counter, old)) {
                return 0;
            }
            pause_a_little();
        }
        sched_yield();
        end = end == 0 ? nanoseconds() + SPIN_NANOSECONDS : end;
    }
    pthread_mutex_lock(&team->lock);
    __atomic_add_fetch(&team->sleeping.value, 1, __ATOMIC_SEQ_CST);
    while (is_still(counter, old)) {
        pthread_cond_wait(&team->changed, &team->lock);
    }
    __atomic_sub_fetch(&team->sleeping.value, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&team->lock);
    return 1;
}

/* Count, and wake who sleeps. In the one order of these four accesses either the sleeper sees the
   new count, or this thread sees the sleeper, who holds the lock until it can be woken. */
static void count_up(model_team *team, model_counter *counter)
{
    __atomic_add_fetch(&counter->value, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&team->sleeping.value, __ATOMIC_SEQ_CST) > 0) {
        pthread_mutex_lock(&team->lock);
        pthread_cond_broadcast(&team->changed);
        pthread_mutex_unlock(&team->lock);
    }
}

/* Return when all threads of the team are here: 1 where that took sleep. */
static int meet(model_team *team)
{
    const unsigned round = __atomic_load_n(&team->rounds.value, __ATOMIC_SEQ_CST);
    if (__atomic_add_fetch(&team->arrived.value, 1, __ATOMIC_SEQ_CST) == MODEL_PARTS) {
        __atomic_store_n(&team->arrived.value, 0, __ATOMIC_SEQ_CST);
        count_up(team, &team->rounds);
        return 0;
    }
    return wait_for(team, &team->rounds, round);
}

/* What one thread does of a call: 1 where it slept after the first meeting, to which threads that
   had slept come late. */
static int take_part(model_team *team, int part)
{
    const model_job job = team->job;
    int slept = 0;
    for (size_t k = 0; k < job.meetings; k++) {
        meet(team);
    }
    if (job.image != NULL) {
        take(job.image, job.converted, PIXELS * (size_t)part / MODEL_PARTS,
             PIXELS * (size_t)(part + 1) / MODEL_PARTS);
        meet(team);
    }
    for (int stage = 0; job.meetings == 0 && stage < MODEL_STAGES; stage++) {
        if (model_stages[stage][part] != NULL) {
            model_stages[stage][part](job.input, job.output, job.scratch);
        }
        slept += meet(team) && stage > 0;
    }
    return slept > 0;
}

static void *member(void *given)
{
    const struct model_member *const own = given;
    model_team *const team = own->team;
    for (unsigned calls = 0;; calls++) {
        wait_for(team, &team->calls, calls);
        if (team->ends) {
            return NULL;
        }
        take_part(team, own->part);
    }
}

static int call(model_team *team, model_job job)
{
    team->job = job;
    count_up(team, &team->calls);
    return take_part(team, 0);
}

/* NULL where there are no more threads to be had. Signals are left to the threads of the caller. */
model_team *model_team_open(void)
{
    model_team *const team = calloc(1, sizeof *team);
    if (team == NULL) {
        return NULL;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->changed, NULL);
    team->process = getpid();
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (team->started = 1; team->started < MODEL_PARTS; team->started++) {
        const int part = team->started;
        team->members[part].team = team;
        team->members[part].part = part;
        if (pthread_create(&team->threads[part], NULL, member, &team->members[part]) != 0) {
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (team->started < MODEL_PARTS) {
        model_team_close(team);
        return NULL;
    }
    return team;
}

/* model_image by all threads; by the caller alone in a process that was forked, which has no other. */
void model_team_image(model_team *team, const float *image, const batch *given)
{
    if (team->alone > 0 || team->process != getpid()) {
        team->alone -= team->alone > 0;
        model_image(image, given);
        return;
    }
    uint8_t *const scratch = given->memory + SCRATCH_AT;
    void *const at = given->memory + OUTPUT_AT;
    const model_job job = {image, given->memory, given->memory, at, scratch, 0};
    const int slept = call(team, job), more = 2 * team->alone_next + 1;
    team->alone_next = !slept ? 0 : more < MOST_ALONE ? more : MOST_ALONE;
    team->alone = team->alone_next;
    give(at, given->answers);
}

/* The number of the first golden vector for which model_run gives other bits, counted from 1; 0
   where none does. */
size_t model_team_golden(model_team *team, uint8_t *scratch)
{
    static model_output wanted[MODEL_OUTPUT_SIZE], output[MODEL_OUTPUT_SIZE];
    for (size_t i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        const uint8_t *const input = model_golden_inputs + i * MODEL_INPUT_SIZE;
        const model_job job = {NULL, NULL, input, output, scratch, 0};
        model_run(input, wanted, scratch);
        call(team, job);
        if (memcmp(wanted, output, sizeof output) != 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Meet so often, and do nothing else: for whoever wants to know how long it takes. */
void model_team_meet(model_team *team, size_t times)
{
    const model_job job = {NULL, NULL, NULL, NULL, NULL, times};
    call(team, job);
}

/* End the threads. In a process that was forked there are none. */
void model_team_close(model_team *team)
{
    if (team->process != getpid()) {
        return;
    }
    team->ends = 1;
    count_up(team, &team->calls);
    for (int part = 1; part < team->started; part++) {
        pthread_join(team->threads[part], NULL);
    }
    pthread_cond_destroy(&team->changed);
    pthread_mutex_destroy(&team->lock);
    free(team);
}

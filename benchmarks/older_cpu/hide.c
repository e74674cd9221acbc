/* Preloaded into a process, it hides instruction sets from CPUID and from /proc/cpuinfo.

   Linux lets a process on Intel CPUs make CPUID fault (arch_prctl(2), ARCH_SET_CPUID). The handler
   runs the instruction in the program's place and clears the bits of what HIDE_SETS names. The
   setting passes to threads and forked children; a new program gets it by LD_PRELOAD. Bits: Intel
   64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SET_CPUID = 0x1012 };
enum { AMX = 1, AVX512_VNNI = 2, AVX512 = 4 };

static int hidden;
static const char *cpuinfo;

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void handle_faults(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action;
    int (*install)(int, const struct sigaction *, struct sigaction *);
    memset(&action, 0, sizeof action);
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    if (handler == NULL) {
        action.sa_handler = SIG_DFL;
        action.sa_flags = 0;
    } else {
        action.sa_sigaction = handler;
    }
    *(void **)&install = next("sigaction");
    install(SIGSEGV, &action, NULL);
}

static void hide_of(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    if ((hidden & AMX) != 0) {
        if (leaf == 7 && sub == 0) {
            r[3] &= ~(1U << 22 | 1U << 24 | 1U << 25); /* bf16, tiles, int8 */
        } else if (leaf == 7 && sub == 1) {
            r[0] &= ~(1U << 21);
            r[3] &= ~(1U << 8);
        } else if (leaf == 0xd && sub == 0) {
            r[0] &= ~(1U << 17 | 1U << 18);
        } else if (leaf == 0x1d || leaf == 0x1e) {
            memset(r, 0, 4 * sizeof *r);
        }
    }
    if ((hidden & AVX512_VNNI) != 0 && leaf == 7) {
        if (sub == 0) {
            r[2] &= ~(1U << 11);
        } else if (sub == 1) {
            r[0] &= ~(1U << 4); /* AVX-VNNI */
            r[3] &= ~(1U << 4 | 1U << 10);
        }
    }
    if ((hidden & AVX512) != 0) {
        if (leaf == 7 && sub == 0) {
            r[1] &= ~(1U << 16 | 1U << 17 | 1U << 21 | 1U << 26 | 1U << 27 | 1U << 28 | 1U << 30 |
                      1U << 31);
            r[2] &= ~(1U << 1 | 1U << 6 | 1U << 11 | 1U << 12 | 1U << 14);
            r[3] &= ~(1U << 2 | 1U << 3 | 1U << 8 | 1U << 23);
        } else if (leaf == 7 && sub == 1) {
            r[0] &= ~(1U << 5 | 1U << 23);
            r[3] &= ~(1U << 19);
        } else if (leaf == 0xd && sub == 0) {
            r[0] &= ~(1U << 5 | 1U << 6 | 1U << 7);
        } else if (leaf == 0x24) {
            memset(r, 0, 4 * sizeof *r);
        }
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    greg_t *const at = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *const code = (const uint8_t *)at[REG_RIP];
    (void)number;
    if (info->si_code != SI_KERNEL || code[0] != 0x0f || code[1] != 0xa2) {
        handle_faults(NULL); /* a fault of the program's own comes again */
        return;
    }
    const uint32_t leaf = (uint32_t)at[REG_RAX], sub = (uint32_t)at[REG_RCX];
    uint32_t r[4];
    syscall(SYS_arch_prctl, SET_CPUID, 1);
    __cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
    syscall(SYS_arch_prctl, SET_CPUID, 0);
    hide_of(leaf, sub, r);
    at[REG_RAX] = r[0];
    at[REG_RBX] = r[1];
    at[REG_RCX] = r[2];
    at[REG_RDX] = r[3];
    at[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void)
{
    const char *const sets = getenv("HIDE_SETS");
    cpuinfo = getenv("HIDE_CPUINFO");
    if (sets == NULL) {
        return;
    }
    hidden = (strstr(sets, "amx") ? AMX : 0) | (strstr(sets, "vnni") ? AVX512_VNNI : 0) |
             (strstr(sets, "avx512") ? AVX512 : 0);
    handle_faults(on_fault);
    if (syscall(SYS_arch_prctl, SET_CPUID, 0) != 0) {
        static const char reason[] = "this CPU or kernel can't make CPUID fault\n";
        (void)!write(2, reason, sizeof reason - 1);
        _exit(1);
    }
}

/* The program may not replace the handler. */
sighandler_t signal(int number, sighandler_t handler)
{
    sighandler_t (*real)(int, sighandler_t);
    *(void **)&real = next("signal");
    return number == SIGSEGV ? SIG_DFL : real(number, handler);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    int (*real)(int, const struct sigaction *, struct sigaction *);
    *(void **)&real = next("sigaction");
    return real(number, number == SIGSEGV ? NULL : action, before);
}

static const char *shown(const char *path)
{
    return cpuinfo != NULL && strcmp(path, "/proc/cpuinfo") == 0 ? cpuinfo : path;
}

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...)            \
    {                                                     \
        int (*real)(const char *, int, mode_t);           \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        const mode_t mode = va_arg(rest, mode_t);         \
        va_end(rest);                                     \
        *(void **)&real = next(#name);                    \
        return real(shown(path), flags, mode);            \
    }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                       \
    FILE *name(const char *path, const char *mode)        \
    {                                                     \
        FILE *(*real)(const char *, const char *);        \
        *(void **)&real = next(#name);                    \
        return real(shown(path), mode);                   \
    }
FOPEN(fopen)
FOPEN(fopen64)

/* Tiles of AMX: registers of up to 16 rows of 64 bytes. A thread's tiles have the shapes that it
   loads, and hold nothing outside the functions that use them. */
typedef struct {
    uint8_t palette, first_row, zeros[14];
    uint16_t bytes[16]; /* of a row of each tile */
    uint8_t rows[16];
} model_tiles;

/* Whether Linux lets this process use tiles: it is asked once, by arch_prctl, as the state of a
   thread grows by 8 kB. -DMODEL_TILES=0 never uses them. */
#if !defined(MODEL_TILES)
#define MODEL_TILES model_has_tiles()

/* 1: yes, -1: no; threads that ask at the same time get the same answer. */
static int model_tiles_known;

static int model_has_tiles(void)
{
    int answer = __atomic_load_n(&model_tiles_known, __ATOMIC_RELAXED);
    if (answer == 0) {
        enum { ARCH_PRCTL = 158, REQUEST = 0x1023, TILE_DATA = 18 };
        long result = ARCH_PRCTL;
        __asm__ volatile("syscall"
                         : "+a"(result)
                         : "D"((long)REQUEST), "S"((long)TILE_DATA)
                         : "rcx", "r11", "memory");
        answer = result == 0 ? 1 : -1;
        __atomic_store_n(&model_tiles_known, answer, __ATOMIC_RELAXED);
    }
    return answer > 0;
}
#endif

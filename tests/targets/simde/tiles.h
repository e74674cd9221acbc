/* The instructions of AMX that the kernels use, in plain C, as Intel's manual defines them (Software
   Developer's Manual, volume 2: LDTILECFG, TILELOADD, TDPBUSD, TILESTORED, TILERELEASE). What the
   processor answers by an exception ends the program here. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int configured;
    int bytes[8], rows[8];
    uint8_t data[8][16][64];
} emulated_tiles;

static inline void emulated_require(int holds)
{
    if (!holds) {
        abort();
    }
}

static inline void emulated_tile_release(void)
{
    memset(&emulated_tiles, 0, sizeof emulated_tiles);
}

static inline void emulated_tile_loadconfig(const void *from)
{
    uint8_t config[64];
    memcpy(config, from, sizeof config);
    emulated_require(config[0] == 1 && config[1] == 0);
    for (int i = 2; i < 16; i++) {
        emulated_require(config[i] == 0);
    }
    emulated_tile_release();
    emulated_tiles.configured = 1;
    for (int t = 0; t < 16; t++) {
        const int bytes = config[16 + 2 * t] | config[17 + 2 * t] << 8, rows = config[48 + t];
        emulated_require(t < 8 ? bytes <= 64 && rows <= 16 : bytes == 0 && rows == 0);
        emulated_require((bytes == 0) == (rows == 0));
        if (t < 8) {
            emulated_tiles.bytes[t] = bytes;
            emulated_tiles.rows[t] = rows;
        }
    }
}

static inline void emulated_tile_loadd(int tile, const void *from, ptrdiff_t stride)
{
    emulated_require(emulated_tiles.configured && emulated_tiles.rows[tile] > 0);
    memset(emulated_tiles.data[tile], 0, sizeof emulated_tiles.data[tile]);
    for (int row = 0; row < emulated_tiles.rows[tile]; row++) {
        memcpy(emulated_tiles.data[tile][row], (const uint8_t *)from + row * stride,
               (size_t)emulated_tiles.bytes[tile]);
    }
}

static inline void emulated_tile_stored(int tile, void *to, ptrdiff_t stride)
{
    emulated_require(emulated_tiles.configured && emulated_tiles.rows[tile] > 0);
    for (int row = 0; row < emulated_tiles.rows[tile]; row++) {
        memcpy((uint8_t *)to + row * stride, emulated_tiles.data[tile][row],
               (size_t)emulated_tiles.bytes[tile]);
    }
}

/* Bytes without a sign times bytes with one; sums wrap. */
static inline void emulated_tile_dpbusd(int sums, int values, int weights)
{
    const int *const bytes = emulated_tiles.bytes, *const rows = emulated_tiles.rows;
    emulated_require(sums != values && sums != weights && values != weights);
    emulated_require(rows[sums] > 0 && rows[sums] == rows[values]);
    emulated_require(bytes[sums] == bytes[weights] && bytes[sums] % 4 == 0);
    emulated_require(bytes[values] == 4 * rows[weights]);
    for (int m = 0; m < rows[sums]; m++) {
        for (int n = 0; n < bytes[sums] / 4; n++) {
            uint32_t sum;
            memcpy(&sum, &emulated_tiles.data[sums][m][4 * n], sizeof sum);
            for (int k = 0; k < bytes[values]; k++) {
                const int weight = (int8_t)emulated_tiles.data[weights][k / 4][4 * n + k % 4];
                sum += (uint32_t)(emulated_tiles.data[values][m][k] * weight);
            }
            memcpy(&emulated_tiles.data[sums][m][4 * n], &sum, sizeof sum);
        }
    }
    for (int m = 0; m < rows[sums]; m++) {
        memset(&emulated_tiles.data[sums][m][bytes[sums]], 0, (size_t)(64 - bytes[sums]));
    }
}

/* Classifies a digit that is drawn below. Prints the ten scores and the digit.

   The network takes 32 x 32 pixels: 28 x 28 with a border of 2. It was trained on brightness 0..1,
   less the mean 0.1307, over the standard deviation 0.3081. */
#include <stdio.h>

#include "lenet.h"

#define SIDE 28
#define BORDER 2
#define PADDED (SIDE + 2 * BORDER)

static const char *const digit[SIDE] = {
    "                            ", "                            ",
    "                            ", "                            ",
    "                            ", "                            ",
    "      ###############       ", "      ################      ",
    "      ################      ", "                  ####      ",
    "                  ###       ", "                 ####       ",
    "                 ###        ", "                ####        ",
    "                ###         ", "               ####         ",
    "               ###          ", "              ####          ",
    "              ###           ", "             ####           ",
    "             ###            ", "             ###            ",
    "            ####            ", "            ###             ",
    "            ###             ", "            ##              ",
    "                            ", "                            ",
};
static const float scales[LENET_OUTPUT_SCALE_COUNT] = LENET_OUTPUT_SCALES;

static uint8_t quantized(float brightness)
{
    const float real = (brightness - 0.1307F) / 0.3081F;
    const float q = real / (float)LENET_INPUT_SCALE + (float)LENET_INPUT_ZERO;
    return q <= 0.0F ? 0 : q >= 255.0F ? 255 : (uint8_t)(q + 0.5F);
}

int main(void)
{
    static uint8_t image[LENET_INPUT_SIZE], scratch[LENET_SCRATCH];
    lenet_output scores[LENET_OUTPUT_SIZE];
    int best = 0;
    for (int y = 0; y < PADDED; y++) {
        for (int x = 0; x < PADDED; x++) {
            const int row = y - BORDER, column = x - BORDER;
            const int inside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
            const int ink = inside && digit[row][column] != ' ';
            image[y * PADDED + x] = quantized(ink ? 1.0F : 0.0F);
        }
    }
    lenet_run(image, scores, scratch);
    for (int k = 0; k < LENET_OUTPUT_SIZE; k++) {
        const float scale = scales[k % LENET_OUTPUT_SCALE_COUNT];
        printf("%d: %6.2f\n", k, (double)(scale * (float)(scores[k] - LENET_OUTPUT_ZERO)));
        best = scores[k] > scores[best] ? k : best;
    }
    printf("This is a %d.\n", best);
    return 0;
}

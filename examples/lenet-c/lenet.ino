// An Arduino sketch that classifies an image once a second. Copy it into a folder called lenet,
// beside model/lenet.c and model/lenet.h; put your camera where the image is filled.
#include "lenet.h"

static uint8_t image[LENET_INPUT_SIZE];
static uint8_t scratch[LENET_SCRATCH];
static lenet_output scores[LENET_OUTPUT_SIZE];

void setup()
{
    Serial.begin(115200);
}

void loop()
{
    for (size_t k = 0; k < LENET_INPUT_SIZE; k++) {
        image[k] = LENET_INPUT_ZERO;
    }
    const unsigned long begin = micros();
    lenet_run(image, scores, scratch);
    const unsigned long end = micros();

    size_t best = 0;
    for (size_t k = 1; k < LENET_OUTPUT_SIZE; k++) {
        best = scores[k] > scores[best] ? k : best;
    }
    Serial.print("class ");
    Serial.print(static_cast<int>(best));
    Serial.print(", microseconds: ");
    Serial.println(end - begin);
    delay(1000);
}

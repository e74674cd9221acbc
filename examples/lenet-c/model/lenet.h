/* lenet.h: integers in, integers out. Real numbers are scale * (q - zero).

   model   lenet
   source  ONNX file with SHA-256 e6638aa78b495393c105a4bbc4cc0c8dbd6afe4e003558485ff9b4a8c83fde18
   target  portable
   format  2, written by quantbench 0.1.0 */

#ifndef LENET_H
#define LENET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LENET_INPUT_SIZE 1024
#define LENET_INPUT_SCALE 0.012728233821690083
#define LENET_INPUT_ZERO 33
#define LENET_OUTPUT_SIZE 10
#define LENET_OUTPUT_SCALES {0.04420610889792442}
#define LENET_OUTPUT_SCALE_COUNT 1
#define LENET_OUTPUT_ZERO 111
#define LENET_SCRATCH 1798

typedef uint8_t lenet_output;

/* input: [32 rows][32 columns][1 channels]; output: 10 values;
   scratch: LENET_SCRATCH bytes of any alignment, whose content means nothing. The three must not
   overlap. Nothing else is written: calls may run at the same time if each has buffers
   of its own. */
void lenet_run(const uint8_t *input, lenet_output *output, uint8_t *scratch);

#ifdef __cplusplus
}
#endif

#endif

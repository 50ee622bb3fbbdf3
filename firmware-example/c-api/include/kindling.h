/* Kindling: int8 inference on Cortex-M.
   Written by cbindgen from src/lib.rs; do not edit. */

#ifndef KINDLING_H
#define KINDLING_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

/*
 How a call ended.
 */
typedef enum KindlingStatus {
  /*
   It did what was asked.
   */
  KINDLING_STATUS_OK = 0,
  /*
   A pointer is null.
   */
  KINDLING_STATUS_NULL_POINTER = 1,
  /*
   The file is no model, or a damaged one.
   */
  KINDLING_STATUS_BAD_MODEL = 2,
  /*
   The arena is too small, or its address is no multiple of 16.
   */
  KINDLING_STATUS_BAD_ARENA = 3,
  /*
   The image has another size than the model's.
   */
  KINDLING_STATUS_BAD_IMAGE = 4,
  /*
   There is not room for all scores.
   */
  KINDLING_STATUS_BAD_SCORES = 5,
  /*
   The model cannot run as a stream, or is not planned for that.
   */
  KINDLING_STATUS_NOT_A_STREAM = 6,
} KindlingStatus;

/*
 What a model needs and gives.
 */
typedef struct KindlingSizes {
  /*
   Bytes of working memory.
   */
  size_t arena_bytes;
  /*
   Bytes of an image: rows of pixels, 8 bits per value.
   */
  size_t image_bytes;
  /*
   Bytes of a row of the image.
   */
  size_t row_bytes;
  /*
   Number of scores.
   */
  size_t classes;
} KindlingSizes;

/*
 Writes the next row of an image or of a stream to `row`, the pixels of all its columns; false
 when there is none.
 */
typedef bool (*KindlingNextRow)(void *context, uint8_t *row);

/*
 Is given an output of a stream: its int8 scores, and the class with the highest.
 */
typedef void (*KindlingOnScores)(void *context, const int8_t *scores, size_t len, size_t best);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Checks the model of `model_bytes` bytes at `model`, an address that is a multiple of 16, and
 tells its sizes.

 # Safety
 Pointers are null or point to memory of the stated size, which nobody changes during the call.
 */
enum KindlingStatus kindling_sizes(const uint8_t *model,
                                   size_t model_bytes,
                                   struct KindlingSizes *sizes);

/*
 Classifies one image: writes the int8 scores, one for each class, and the class with the
 highest. The model is checked in every call, which takes some instructions for each of its
 bytes.

 # Safety
 As `kindling_sizes`; `arena`, `scores` and `best` are the caller's alone during the call.
 */
enum KindlingStatus kindling_run(const uint8_t *model,
                                 size_t model_bytes,
                                 int8_t *arena,
                                 size_t arena_bytes,
                                 const uint8_t *image,
                                 size_t image_bytes,
                                 int8_t *scores,
                                 size_t scores_len,
                                 size_t *best);

/*
 `kindling_run` on an image that is never in memory: `next_row` is called for each of its rows,
 with `row` and `context`. Too few rows are a bad image, as is a `row_bytes` that is not the
 bytes of a row.

 # Safety
 As `kindling_run`; `row` is the caller's alone, and `next_row` writes no more than `row_bytes`
 bytes to it.
 */
enum KindlingStatus kindling_run_rows(const uint8_t *model,
                                      size_t model_bytes,
                                      int8_t *arena,
                                      size_t arena_bytes,
                                      KindlingNextRow next_row,
                                      void *context,
                                      uint8_t *row,
                                      size_t row_bytes,
                                      int8_t *scores,
                                      size_t scores_len,
                                      size_t *best);

/*
 Runs a model that is planned for streams, until `next_row` gives false: it is called for each
 row, with `row` and `context`, and `on_scores` for each output.

 # Safety
 As `kindling_run_rows`; `on_scores` keeps no pointer that it is given.
 */
enum KindlingStatus kindling_stream(const uint8_t *model,
                                    size_t model_bytes,
                                    int8_t *arena,
                                    size_t arena_bytes,
                                    KindlingNextRow next_row,
                                    KindlingOnScores on_scores,
                                    void *context,
                                    uint8_t *row,
                                    size_t row_bytes);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KINDLING_H */

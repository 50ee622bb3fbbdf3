/* Kindling: int8 inference on Cortex-M.
   Written by cbindgen from src; do not edit.

   A handle is a loaded model in memory of yours:

     static int8_t arena[9408] __attribute__((aligned(16)));
     static uint8_t memory[KINDLING_HANDLE_BYTES(8)] __attribute__((aligned(16)));

     KindlingHandle *handle;
     kindling_load(memory, sizeof memory, model, model_bytes, &handle, NULL);   once
     kindling_run_u8(handle, arena, sizeof arena, image, image_bytes);          many times
     kindling_scores(handle, 0, scores, 10, &best);

   Every function tells by a KindlingStatus how it ended. None keeps memory of its own. None may
   be called while another call uses the same handle, from an interrupt, say; calls with different
   handles and arenas do not disturb each other. */

#ifndef KINDLING_H
#define KINDLING_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

/* Bytes of memory for the handle of a model with as many layers, or fewer: `trainer inspect` lists
   them. For cores with 32 bits; see `kindling_needs` for others. */
#define KINDLING_HANDLE_BYTES(layers) \
    (KINDLING_HANDLE_FIXED_BYTES + (layers) * KINDLING_LAYER_BYTES)

/* The same for a model that runs as a stream. */
#define KINDLING_STREAM_HANDLE_BYTES(layers) \
    (KINDLING_HANDLE_BYTES(layers) + KINDLING_STREAM_BYTES)

/*
 What the addresses of a model, an arena and a handle's memory are multiples of.
 */
#define KINDLING_ALIGNMENT_BYTES 16

/*
 Bytes of a handle beside its layers: see `KINDLING_HANDLE_BYTES`.
 */
#define KINDLING_HANDLE_FIXED_BYTES 352

/*
 Bytes of each layer in a handle: see `KINDLING_HANDLE_BYTES`.
 */
#define KINDLING_LAYER_BYTES 84

/*
 Most layers of a model that runs as a stream.
 */
#define KINDLING_STREAM_LAYERS 32

/*
 Bytes of a stream in a handle, beside those of its layers: see `KINDLING_STREAM_HANDLE_BYTES`.
 */
#define KINDLING_STREAM_BYTES 432

/*
 How a call ended. Whatever it is but `OK`, nothing was written but what the function says.
 */
typedef enum KindlingStatus {
  /*
   It did what was asked.
   */
  KINDLING_STATUS_OK = 0,
  /*
   A pointer is null that must not be.
   */
  KINDLING_STATUS_NULL_POINTER = 1,
  /*
   Two parts of memory overlap that must lie apart: arena, input, output, handle, model.
   */
  KINDLING_STATUS_OVERLAP = 2,
  /*
   The address of the handle's memory is no multiple of `KINDLING_ALIGNMENT_BYTES`.
   */
  KINDLING_STATUS_HANDLE_MISALIGNED = 3,
  /*
   The handle's memory has room for no layer, or not for a stream: see
   `KINDLING_HANDLE_BYTES` and `KINDLING_STREAM_HANDLE_BYTES`.
   */
  KINDLING_STATUS_HANDLE_TOO_SMALL = 4,
  /*
   The model has more layers than the handle has room for; or than a stream may have,
   `KINDLING_STREAM_LAYERS`.
   */
  KINDLING_STATUS_TOO_MANY_LAYERS = 5,
  /*
   The handle was not loaded, loading it failed, it was moved, overwritten, or loaded by
   another program.
   */
  KINDLING_STATUS_NOT_LOADED = 6,
  /*
   The library was built without a model in it.
   */
  KINDLING_STATUS_NO_BUILT_IN_MODEL = 7,
  /*
   The address of the model is no multiple of `KINDLING_ALIGNMENT_BYTES`.
   */
  KINDLING_STATUS_MODEL_MISALIGNED = 8,
  /*
   These bytes are no model.
   */
  KINDLING_STATUS_NOT_A_MODEL = 9,
  /*
   A model of another format than this library reads: `trainer convert` writes it anew.
   */
  KINDLING_STATUS_MODEL_FORMAT = 10,
  /*
   The model is damaged: cut off, with bytes added, or with another checksum.
   */
  KINDLING_STATUS_MODEL_DAMAGED = 11,
  /*
   The model is whole, but says what cannot be right.
   */
  KINDLING_STATUS_MODEL_INVALID = 12,
  /*
   The model needs a part that this library was built without: `kindling_missing_part` names
   it, and `trainer plan` prints all features of `infer` that a plan needs.
   */
  KINDLING_STATUS_PART_NOT_BUILT = 13,
  /*
   The model's memory holds another model than was loaded.
   */
  KINDLING_STATUS_MODEL_CHANGED = 14,
  /*
   The arena has fewer bytes than the model needs.
   */
  KINDLING_STATUS_ARENA_TOO_SMALL = 15,
  /*
   The address of the arena is no multiple of `KINDLING_ALIGNMENT_BYTES`.
   */
  KINDLING_STATUS_ARENA_MISALIGNED = 16,
  /*
   The address of `float` values is no multiple of 4.
   */
  KINDLING_STATUS_VALUES_MISALIGNED = 17,
  /*
   The model takes values of another type.
   */
  KINDLING_STATUS_WRONG_TYPE = 18,
  /*
   An input or a row of another number of values than the model takes.
   */
  KINDLING_STATUS_WRONG_SIZE = 19,
  /*
   The model has no such output, or gives something else: real values in place of scores, or
   scores in place of real values.
   */
  KINDLING_STATUS_WRONG_OUTPUT = 20,
  /*
   There is not room for all values of the output.
   */
  KINDLING_STATUS_OUTPUT_TOO_SMALL = 21,
  /*
   Nothing of this kind is under way: no run, no image by rows, no stream.
   */
  KINDLING_STATUS_NOT_BEGUN = 22,
  /*
   The run has steps left, or has none finished whose output could be read.
   */
  KINDLING_STATUS_NOT_FINISHED = 23,
  /*
   Rows of the image are missing.
   */
  KINDLING_STATUS_TOO_FEW_ROWS = 24,
  /*
   The image has all its rows.
   */
  KINDLING_STATUS_TOO_MANY_ROWS = 25,
  /*
   The model cannot run as a stream, or is not planned for that: `trainer plan --stream`.
   */
  KINDLING_STATUS_NOT_A_STREAM = 26,
} KindlingStatus;

/*
 Type of the values that a model takes.
 */
typedef enum KindlingInput {
  /*
   `uint8_t` pixels, 0 is black: functions that end with `_u8`.
   */
  KINDLING_INPUT_U8 = 0,
  /*
   `int8_t` values, with the scale and the zero point of the input: `_i8`.
   */
  KINDLING_INPUT_I8 = 1,
  /*
   `float` values, which are scaled and rounded by the library: `_f32`.
   */
  KINDLING_INPUT_F32 = 2,
} KindlingInput;

/*
 What the first output of a model is.
 */
typedef enum KindlingOutput {
  /*
   A score for each class: `kindling_scores`, `kindling_probabilities`.
   */
  KINDLING_OUTPUT_SCORES = 0,
  /*
   Real values: `kindling_reals`.
   */
  KINDLING_OUTPUT_REALS = 1,
  /*
   The input once more, as real values: `kindling_reals`.
   */
  KINDLING_OUTPUT_RECONSTRUCTION = 2,
} KindlingOutput;

/*
 A loaded model, and what is under way with it. It lies in memory of the caller.

 One thread, task or interrupt at a time may use a handle; two handles may be used at once, even
 of one model.

 What is checked in each call is that the handle was loaded where it lies, by this very program,
 and that its ends were not overwritten; of the model only that its checksum field still is what
 it was. What C can still break: a handle whose middle was overwritten, a model whose other bytes
 were changed, an arena that was written to during a run, and pointers to memory that is not
 there lead to wrong answers or to undefined behaviour.
 */
typedef struct KindlingHandle KindlingHandle;

/*
 What a model needs, takes and gives.
 */
typedef struct KindlingInfo {
  /*
   Bytes of working memory.
   */
  size_t arena_bytes;
  /*
   Values of an input: rows * columns * channels.
   */
  size_t input_values;
  /*
   Values of a row of the input: columns * channels.
   */
  size_t row_values;
  /*
   Rows of the input.
   */
  size_t rows;
  /*
   Values of the first output: classes, where it gives scores.
   */
  size_t output_values;
  /*
   Number of outputs.
   */
  size_t outputs;
  /*
   Number of layers.
   */
  size_t layers;
  /*
   Type of its values.
   */
  enum KindlingInput takes;
  /*
   Meaning of its first output.
   */
  enum KindlingOutput gives;
} KindlingInfo;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Tells by the header of the model of `model_bytes` bytes at `model` how many bytes a handle and
 an arena for it take, for memory that is not reserved when the program is built. A stream takes
 `KINDLING_STREAM_BYTES` more of a handle. The header is not proved to be right:
 `kindling_load` does that.

 # Safety
 Pointers are null or point to memory of the stated size, which nobody changes during the call.
 */
enum KindlingStatus kindling_needs(const uint8_t *model,
                                   size_t model_bytes,
                                   size_t *handle_bytes,
                                   size_t *arena_bytes);

/*
 Checks the model of `model_bytes` bytes at `model`, whole, and makes a handle for it in the
 `memory_bytes` bytes at `memory`. Both addresses are multiples of `KINDLING_ALIGNMENT_BYTES`.
 This takes some instructions for each byte of the model, and is done once.

 `*handle` is the loaded handle, or null when the model is refused. Whatever the memory held
 before is forgotten, also then. `refused_layer` may be null; else `*refused_layer` is the layer
 that cannot be right, or whose part is not built, from 0, and `SIZE_MAX` when no layer is to
 blame.

 The memory and the model belong to the handle for as long as it is used: the memory stays where
 it is, and neither is changed. Nothing has to be freed: the memory is the caller's again when
 the handle is used no more.

 # Safety
 Pointers are null or point to memory of the stated size, which is not used by others during the
 call; and memory and model stay as they are for as long as the handle is used.
 */
enum KindlingStatus kindling_load(void *memory,
                                  size_t memory_bytes,
                                  const uint8_t *model,
                                  size_t model_bytes,
                                  struct KindlingHandle **handle,
                                  size_t *refused_layer);

/*
 The name of the part that a model needs and this library was built without, which is the feature
 of `infer` to turn on: after `kindling_load` has given `KINDLING_STATUS_PART_NOT_BUILT`, and
 with its arguments. Null when no part is missing, or when another status comes before.

 The model is loaded once more, so this takes as long, and the memory holds no handle after it.

 # Safety
 As `kindling_load`.
 */
const char *kindling_missing_part(void *memory,
                                  size_t memory_bytes,
                                  const uint8_t *model,
                                  size_t model_bytes);

/*
 `kindling_load` for the model that is built into the library: nothing is checked, since it was
 checked when the library was built. The handle needs room for no layer, so `memory` has
 `KINDLING_HANDLE_BYTES(0)` bytes.

 # Safety
 As `kindling_load`.
 */
enum KindlingStatus kindling_load_built_in(void *memory,
                                           size_t memory_bytes,
                                           struct KindlingHandle **handle);

/*
 Tells what the model of a handle needs, takes and gives.

 # Safety
 `handle` is null, or points to `KINDLING_HANDLE_BYTES(0)` bytes that can be read; `info` is null
 or has room.
 */
enum KindlingStatus kindling_info(struct KindlingHandle *handle, struct KindlingInfo *info);

/*
 Tells how many values output number `output` has, from 0 on; of a stream, in each row. It can be
 asked at any time, and answers by the model.

 # Safety
 As `kindling_info`.
 */
enum KindlingStatus kindling_output_values(struct KindlingHandle *handle,
                                           size_t output,
                                           size_t *values);

/*
 Writes the int8 scores of output number `output`, and to `best`, which may be null, the class
 with the highest, the first of several equal ones. `values` is the room at `scores`: as many as
 there are classes, or more.

 # Safety
 As `kindling_run_u8`; pointers are null or have the stated room.
 */
enum KindlingStatus kindling_scores(struct KindlingHandle *handle,
                                    size_t output,
                                    int8_t *scores,
                                    size_t values,
                                    size_t *best);

/*
 Writes the probabilities of the classes, which add up to 1: of an output of scores. Arguments
 are those of `kindling_scores`.

 # Safety
 As `kindling_scores`.
 */
enum KindlingStatus kindling_probabilities(struct KindlingHandle *handle,
                                           size_t output,
                                           float *probabilities,
                                           size_t values);

/*
 Writes the real values of an output: of a model that gives real values, or its input once more.
 Arguments are those of `kindling_scores`.

 # Safety
 As `kindling_scores`.
 */
enum KindlingStatus kindling_reals(struct KindlingHandle *handle,
                                   size_t output,
                                   float *reals,
                                   size_t values);

/*
 Writes how far the input that a model gave once more is from the input of its last run, which is
 `values` pixels at `input`: the mean of the squared differences between real values. What lies
 above `kindling_threshold` is unlike what the model was trained on. A stream, whose input is
 nowhere whole, has `KINDLING_STATUS_WRONG_OUTPUT`.

 # Safety
 As `kindling_run_u8`; `error` is null or has room for a `float`.
 */
enum KindlingStatus kindling_error_u8(struct KindlingHandle *handle,
                                      const uint8_t *input,
                                      size_t values,
                                      float *error);

/*
 `kindling_error_u8` of a run on `int8_t` values.

 # Safety
 As `kindling_error_u8`.
 */
enum KindlingStatus kindling_error_i8(struct KindlingHandle *handle,
                                      const int8_t *input,
                                      size_t values,
                                      float *error);

/*
 `kindling_error_u8` of a run on real values.

 # Safety
 As `kindling_error_u8`.
 */
enum KindlingStatus kindling_error_f32(struct KindlingHandle *handle,
                                       const float *input,
                                       size_t values,
                                       float *error);

/*
 Writes the error above which an input is unlike those that the model was trained on: of a model
 that gives its input once more. A model whose file has none, such as one that is built in, has
 `KINDLING_STATUS_WRONG_OUTPUT`.

 # Safety
 As `kindling_info`; `threshold` is null or has room for a `float`.
 */
enum KindlingStatus kindling_threshold(struct KindlingHandle *handle, float *threshold);

/*
 Begins a run on an image whose rows come one by one, by `kindling_push_row_u8` or the function
 for the type that the model takes. `kindling_finish` ends it. The outputs are those of a run on
 the whole image.

 The arena is that of `kindling_run_u8`, and belongs to the handle until the outputs are read.

 # Safety
 As `kindling_begin_u8`.
 */
enum KindlingStatus kindling_begin_rows(struct KindlingHandle *handle,
                                        int8_t *arena,
                                        size_t arena_bytes);

/*
 Takes the next row of the image, columns * channels pixels, and does the work that it makes
 possible. The row is the caller's again after the call. A row of the wrong size or type, or one
 too many, changes nothing.

 # Safety
 As `kindling_begin_rows`; `row` is null or points to memory of the stated size.
 */
enum KindlingStatus kindling_push_row_u8(struct KindlingHandle *handle,
                                         const uint8_t *row,
                                         size_t values);

/*
 `kindling_push_row_u8` of `int8_t` values.

 # Safety
 As `kindling_push_row_u8`.
 */
enum KindlingStatus kindling_push_row_i8(struct KindlingHandle *handle,
                                         const int8_t *row,
                                         size_t values);

/*
 `kindling_push_row_u8` of real values.

 # Safety
 As `kindling_push_row_u8`.
 */
enum KindlingStatus kindling_push_row_f32(struct KindlingHandle *handle,
                                          const float *row,
                                          size_t values);

/*
 Runs the model on `values` pixels at `input`, rows * columns * channels of them, 0 is black. The
 model is not checked again. The outputs are then read by `kindling_scores`,
 `kindling_probabilities` or `kindling_reals`; they lie in the arena, which belongs to the handle
 until they are read. Before that and after it the arena may hold anything.

 `arena_bytes` is what `kindling_info` says, or more, at a multiple of
 `KINDLING_ALIGNMENT_BYTES`. What was under way with the handle ends.

 # Safety
 `handle` is null, or points to `KINDLING_HANDLE_FIXED_BYTES` bytes that can be read, which are
 a loaded handle's if their contents say so. Other pointers are null or point to memory of the
 stated size. Nobody else uses handle, arena and input during the call, nor the arena until the
 outputs are read; the model is what was loaded.
 */
enum KindlingStatus kindling_run_u8(struct KindlingHandle *handle,
                                    int8_t *arena,
                                    size_t arena_bytes,
                                    const uint8_t *input,
                                    size_t values);

/*
 `kindling_run_u8` on `int8_t` values, with the scale and the zero point of the model's input.

 # Safety
 As `kindling_run_u8`.
 */
enum KindlingStatus kindling_run_i8(struct KindlingHandle *handle,
                                    int8_t *arena,
                                    size_t arena_bytes,
                                    const int8_t *input,
                                    size_t values);

/*
 `kindling_run_u8` on real values, which the library scales channel by channel and rounds.

 # Safety
 As `kindling_run_u8`.
 */
enum KindlingStatus kindling_run_f32(struct KindlingHandle *handle,
                                     int8_t *arena,
                                     size_t arena_bytes,
                                     const float *input,
                                     size_t values);

/*
 Begins a run on pixels that goes on by `kindling_step`. Arguments are those of
 `kindling_run_u8`. Arena and input belong to the handle until the run has ended, the arena until
 the outputs are read. Any other run, image or stream of the handle ends it.

 # Safety
 As `kindling_run_u8`; nobody else uses arena and input until the run has ended.
 */
enum KindlingStatus kindling_begin_u8(struct KindlingHandle *handle,
                                      int8_t *arena,
                                      size_t arena_bytes,
                                      const uint8_t *input,
                                      size_t values);

/*
 `kindling_begin_u8` on `int8_t` values.

 # Safety
 As `kindling_begin_u8`.
 */
enum KindlingStatus kindling_begin_i8(struct KindlingHandle *handle,
                                      int8_t *arena,
                                      size_t arena_bytes,
                                      const int8_t *input,
                                      size_t values);

/*
 `kindling_begin_u8` on real values.

 # Safety
 As `kindling_begin_u8`.
 */
enum KindlingStatus kindling_begin_f32(struct KindlingHandle *handle,
                                       int8_t *arena,
                                       size_t arena_bytes,
                                       const float *input,
                                       size_t values);

/*
 Does one step of the run that was begun: a layer, or some rows of one. `*more` is false when
 there was nothing left to do; `kindling_finish` then ends the run.

 # Safety
 As `kindling_begin_u8`; `more` is null or has room.
 */
enum KindlingStatus kindling_step(struct KindlingHandle *handle, bool *more);

/*
 Ends a run by steps, or an image that came row by row: its outputs can be read. Where steps are
 left (`KINDLING_STATUS_NOT_FINISHED`) or rows are missing (`KINDLING_STATUS_TOO_FEW_ROWS`) it
 changes nothing.

 # Safety
 As `kindling_begin_u8`.
 */
enum KindlingStatus kindling_finish(struct KindlingHandle *handle);

/*
 What a status means, for people: a text in English that is always there. A number that is no
 status has a text, too.
 */
const char *kindling_status_text(int status);

/*
 Begins a stream, of a model that is planned for that, in a handle whose memory has
 `KINDLING_STREAM_HANDLE_BYTES` bytes: its first row is next. That the model can stream is proved
 here, once, which takes a while.

 The arena is that of `kindling_run_u8`, and belongs to the handle until another run begins.

 # Safety
 As `kindling_begin_u8`.
 */
enum KindlingStatus kindling_begin_stream(struct KindlingHandle *handle,
                                          int8_t *arena,
                                          size_t arena_bytes);

/*
 Takes the next row of a stream, columns * channels pixels, and does the work that it makes
 possible. `*has_output` says whether the row completes an output, which is then read by
 `kindling_scores` and the like, before the next row. The row is the caller's again after the
 call. One of the wrong size or type changes nothing.

 # Safety
 As `kindling_begin_stream`; `row` is null or points to memory of the stated size, `has_output`
 is null or has room.
 */
enum KindlingStatus kindling_push_u8(struct KindlingHandle *handle,
                                     const uint8_t *row,
                                     size_t values,
                                     bool *has_output);

/*
 `kindling_push_u8` of `int8_t` values.

 # Safety
 As `kindling_push_u8`.
 */
enum KindlingStatus kindling_push_i8(struct KindlingHandle *handle,
                                     const int8_t *row,
                                     size_t values,
                                     bool *has_output);

/*
 `kindling_push_u8` of real values.

 # Safety
 As `kindling_push_u8`.
 */
enum KindlingStatus kindling_push_f32(struct KindlingHandle *handle,
                                      const float *row,
                                      size_t values,
                                      bool *has_output);

/*
 Forgets all rows of a stream: the next one is its first.

 # Safety
 As `kindling_begin_stream`.
 */
enum KindlingStatus kindling_reset_stream(struct KindlingHandle *handle);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KINDLING_H */

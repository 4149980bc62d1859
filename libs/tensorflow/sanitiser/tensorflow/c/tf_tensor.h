// As much of TensorFlow's C API as the kernels use, over memory that a sanitiser watches: kernels.cc has the bodies.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum TF_DataType { TF_FLOAT = 1, TF_INT32 = 3, TF_BFLOAT16 = 14 };
enum TF_Code { TF_OK = 0, TF_INVALID_ARGUMENT = 3 };

struct TF_Tensor;
struct TF_Status;

TF_Status* TF_NewStatus();
void TF_DeleteStatus(TF_Status*);
void TF_SetStatus(TF_Status*, TF_Code, const char* message);

void* TF_TensorData(const TF_Tensor*);
void TF_DeleteTensor(TF_Tensor*);
int TF_NumDims(const TF_Tensor*);
int64_t TF_Dim(const TF_Tensor*, int);
int64_t TF_TensorElementCount(const TF_Tensor*);

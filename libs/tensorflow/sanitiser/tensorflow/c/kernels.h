// See tf_tensor.h.
#pragma once

#include "tf_tensor.h"

struct TF_OpKernelContext;
struct TF_OpKernelConstruction;
struct TF_KernelBuilder;

void TF_GetInput(TF_OpKernelContext*, int index, TF_Tensor**, TF_Status*);
TF_Tensor* TF_AllocateOutput(TF_OpKernelContext*, int index, TF_DataType, const int64_t* extents, int rank, size_t bytes,
                             TF_Status*);
void TF_OpKernelContext_Failure(TF_OpKernelContext*, TF_Status*);

void TF_OpKernelConstruction_GetAttrInt32(TF_OpKernelConstruction*, const char* name, int32_t*, TF_Status*);
void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction*, const char* name, float*, TF_Status*);

TF_KernelBuilder* TF_NewKernelBuilder(const char* operation, const char* device,
                                      void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*forget)(void*));
void TF_KernelBuilder_TypeConstraint(TF_KernelBuilder*, const char* attribute, TF_DataType, TF_Status*);
void TF_RegisterKernelBuilder(const char* operation, TF_KernelBuilder*, TF_Status*);

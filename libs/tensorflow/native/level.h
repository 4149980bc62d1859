// The kernels of all operations for one instruction set; `RINGMASTER_LEVEL` names it, and `#pragma GCC target` before
// this file chooses it.
#pragma once

#include "activation.h"
#include "add-leading.h"
#include "add-rows.h"
#include "attention-heads.h"
#include "attention-tile.h"
#include "attention.h"
#include "branch.h"
#include "cross-entropy.h"
#include "dropout.h"
#include "few-rows.h"
#include "gated.h"
#include "lstm.h"
#include "negative-sampling.h"
#include "normalise.h"
#include "rms-normalise.h"
#include "rotation.h"
#include "self-attention.h"
#include "store.h"
#include "windows.h"

namespace RINGMASTER_LEVEL {

/** Kernels that there are for both types of factors. */
template <typename T>
void addTypedKernels() {
  addActivationKernels<T>();
  addLeadingKernels<T>();
  addBranchKernels<T>();
  addCrossEntropyKernels<T>();
  addFewRowsKernels<T>();
  addGatedKernels<T>();
  addHeadKernels<T>();
  addNormaliseKernels<T>();
  addRmsNormaliseKernels<T>();
  addRotationKernels<T>();
  addStoreKernels<T>();
  addTileKernels<T>();
  addWindowsKernels<T>();
}

inline void addKernels() {
  addTypedKernels<float>();
  addTypedKernels<BFloat16>();
  addAttentionKernels();
  addDropoutKernels();
  addLstmKernels();
  addNegativeSamplingKernels();
  addRowsKernels();
  addSelfAttentionKernels();
}

}  // namespace RINGMASTER_LEVEL

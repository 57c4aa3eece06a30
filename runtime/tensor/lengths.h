/* The row lengths with a body of their own in the kernels of factor models: the common ones of at
 * least one register. */
#ifndef URN_TENSOR_LENGTHS_H
#define URN_TENSOR_LENGTHS_H

#define URN__EACH_LENGTH(X)                                                                        \
    X(16)                                                                                          \
    X(20)                                                                                          \
    X(24)                                                                                          \
    X(30)                                                                                          \
    X(32)                                                                                          \
    X(40)                                                                                          \
    X(48)                                                                                          \
    X(50)                                                                                          \
    X(64)

#endif

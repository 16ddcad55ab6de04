/* SPDX-License-Identifier: Apache-2.0 */

/** What a model and its calls need of memory, estimated before anything is loaded, against what the machine has. */
package io.github.blip2java.memory;

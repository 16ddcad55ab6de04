/* SPDX-License-Identifier: Apache-2.0 */

/**
 * A folder of pictures that is found again by text, by picture and by likeness: {@link io.github.blip2java.search.PictureIndex} keeps
 * embeddings in an Apache Lucene index that other programs can read.
 */
package io.github.blip2java.search;

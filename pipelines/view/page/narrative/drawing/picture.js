/** The image of a narrative: from a local folder, else from its address. */

import { webAddress } from "../../base/dom.js"

/** Width over height where no image tells it: the tables have no sizes. */
export const USUAL_ASPECT = 4 / 3

/**
 * Addresses to try, in order.
 *
 * @param {{ dataset: string | null, image_id: string, image: object | null }} record
 * @param {string | null} images Address of the local images.
 * @returns {string[]}
 */
export function addressesOf({ dataset, image_id: id, image }, images) {
  const local = images
    ? `${images}${encodeURIComponent(dataset ?? "unknown")}/${encodeURIComponent(id)}`
    : null
  return [local, webAddress(image?.thumbnail_url), webAddress(image?.url)].filter(Boolean)
}

/**
 * The first image that can be had.
 *
 * @param {string[]} addresses
 * @returns {Promise<{ address: string, aspect: number } | null>} Width over height; null: none.
 */
export async function loadPicture(addresses) {
  for (const address of addresses) {
    const image = new Image()
    image.referrerPolicy = "no-referrer"
    image.src = address
    try {
      await image.decode()
      return { address, aspect: image.naturalWidth / image.naturalHeight }
    } catch {
      // the next one
    }
  }
  return null
}

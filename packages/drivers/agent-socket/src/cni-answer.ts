/**
 * What a CNI plugin leaves behind: the text for stdout, and whether it ends with 0. On the socket the status 200 or 422,
 * and the text as the body.
 */
export interface CniAnswer {
  readonly isSuccess: boolean
  readonly text: string
}

export const CNI_STATUS = { success: 200, failure: 422 } as const

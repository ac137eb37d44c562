// The newest figures as the measured part of docs/scaling.md.
import type { Figures } from './figures.ts'

export const markdown = (figures: Figures): string => JSON.stringify(figures)

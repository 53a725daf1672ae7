import {until} from '../../browsers/support/measure.mjs';

/** Waits until a viewing has shown what is wanted; where it does not, tells what it has seen and said. */
export function untilSeen(what, viewing, wanted) {
  return until(what, () => viewing.enough(wanted)).catch(async (error) => {
    const said = (viewing.lines?.() ?? []).join('\n');
    throw new Error(`${error.message}: ${JSON.stringify(await viewing.observe())}\n${said}`, {cause: error});
  });
}

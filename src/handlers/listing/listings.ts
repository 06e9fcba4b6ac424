/** What the listings of one server share: the names in folders, and the work they may do in a turn of the loop. */
import type { StreamBody } from "../../exchange/reply.ts";
import type { Services } from "../../exchange/services.ts";
import { TurnBudget } from "../turn-budget.ts";
import { SharedNames } from "./folder-names.ts";

/** Most steps of all listings together in one turn of the loop; a step takes about half a millisecond. */
const STEPS_A_TURN = 4;

export class Listings {
  readonly names: SharedNames;
  readonly budget = new TurnBudget<StreamBody>(STEPS_A_TURN);

  constructor(services: Services) {
    this.names = new SharedNames(services);
  }
}

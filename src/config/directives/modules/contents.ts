/** Small answers: ngx_http_empty_gif_module, ngx_http_random_index_module. */
import { directive, type Row, store } from "../../table.ts";
import { flag } from "../../values/arguments.ts";

export const SMALL_CONTENTS: readonly Row[] = [
  directive("empty_gif", {
    in: ["location"],
    takes: [],
    default: null,
    repeats: true,
    help: "Answers with a transparent image of one pixel.",
    set: (scope) => {
      scope.own.emptyGif = true;
    },
  }),
  directive("random_index", {
    in: ["location"],
    takes: [flag],
    default: "off",
    help: "Answers for a folder with one of its files, chosen by chance; names that begin with a dot are left out. Without any, as ever: with its `index` or a listing.",
    set: store("randomIndex"),
  }),
];

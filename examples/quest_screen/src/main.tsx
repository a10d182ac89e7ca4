import { connect } from "@questkeep/client";
import { predict } from "@questkeep/client/predict";
import { createRoot } from "react-dom/client";
import { QuestScreen } from "./quest_screen";
import "./style.css";

const { VITE_QUESTKEEP_URL = "http://127.0.0.1:8080", VITE_QUESTKEEP_TOKEN } = import.meta.env as Readonly<Record<string, string | undefined>>;

// A game asks its own login for a token here; this one was printed by `questkeep token`.
const questkeep = connect(VITE_QUESTKEEP_URL, { getToken: () => VITE_QUESTKEEP_TOKEN ?? "", predict });

createRoot(document.getElementById("root")!).render(<QuestScreen questkeep={questkeep} />);

"""How near to a tie transformers' own search came: then rounding decides, and two right programs may differ."""
import torch

import peers


def relative(a, b):
    return abs(a - b) / max(abs(a), abs(b), 1e-9)


def smallest_gap(model, source, settings):
    """The smallest relative difference between two neighbouring scores that the search for one source chose between."""
    base = getattr(model, "get_base_model", lambda: model)()
    gaps = []

    def note(scores, kept):
        """Differences within the best `kept` and to the first that was not kept."""
        best = torch.topk(scores.flatten(), min(kept + 1, scores.numel()))[0].tolist()
        gaps.extend(relative(a, b) for a, b in zip(best, best[1:]) if a > -1e8 and b > -1e8)

    continuations, finished = base._get_top_k_continuations, base._update_finished_beams
    stop = base._check_early_stop_heuristic

    def continuations_seen(**arguments):
        note(arguments["accumulated_log_probs"], arguments["beams_to_keep"])
        return continuations(**arguments)

    def finished_seen(**arguments):
        result = finished(**arguments)
        note(result[1], arguments["num_beams"])
        return result

    def stop_seen(**arguments):
        penalty, never = arguments["length_penalty"], arguments["early_stopping"] == "never"
        limit = arguments["max_length"] if never and penalty > 0 else arguments["cur_len"]
        best = (arguments["running_beam_scores"][0, 0] / (limit - arguments["decoder_prompt_len"]) ** penalty).item()
        worst = arguments["beam_scores"].min().item()
        if worst > -1e8:
            gaps.append(relative(best, worst))
        return stop(**arguments)

    base._get_top_k_continuations, base._update_finished_beams = continuations_seen, finished_seen
    base._check_early_stop_heuristic = stop_seen
    try:
        batch = peers.tensors({"source": [source], "target": [[1]]})
        with torch.no_grad():
            output = model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                                    output_scores=True, return_dict_in_generate=True,
                                    **peers.generation_arguments(settings))
    finally:
        del base._get_top_k_continuations, base._update_finished_beams, base._check_early_stop_heuristic
    if settings["beams"] == 1:
        for scores in output.scores:
            note(scores, 1)
    return min(gaps, default=1.0)

-- The same as algorithms/fixed_window.py. State: start, count, 0. Quota: window, limit.
-- Returns the same as the token bucket.

local function fixed_window(charge, cost, now, start, count, _, window, limit)
  local begin = now - now % window
  if not start or begin > start or start - begin > window then start, count = begin, 0 end
  local wait, reset = 0, 0
  if count + cost > limit then
    wait = start + window - now
  elseif charge then
    count = count + cost
  end
  if count > 0 then reset = start + window - now end
  return wait, max(0, limit - count), reset, start, count, 0
end

/** `static_configs`: the groups of the file, told once. */
import type { TargetGroup } from '../../pkg/config/types.ts'
import type { Discovery } from './contract.ts'

export function staticDiscovery(groups: readonly TargetGroup[]): Discovery {
  return {
    name: 'static',
    async run(emit) {
      emit(groups)
    },
  }
}
